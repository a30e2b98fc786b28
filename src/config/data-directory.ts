import { join } from 'node:path';

/** Files and directories by which the processes of one node, and its command line, find each other. */
export interface DataDirectory {
  /** Number of the api process, which holds a lock on it. */
  readonly pid: string;
  /** Held by whoever may write to nats-server in the name of the node. */
  readonly bridgeLock: string;
  /** Where the node listens. */
  readonly ports: string;
  readonly keys: string;
  /** Configuration and streams of nats-server. */
  readonly nats: string;
  /** Emptied at each start. */
  readonly scratch: string;
}

/** What lies where in a root path. */
export function dataDirectory(rootPath: string): DataDirectory {
  return {
    pid: join(rootPath, 'lyre.pid'),
    bridgeLock: join(rootPath, 'bridge.lock'),
    ports: join(rootPath, 'ports.json'),
    keys: join(rootPath, 'keys'),
    nats: join(rootPath, 'nats'),
    scratch: join(rootPath, 'scratch'),
  };
}

/** Name of the log file in its directory. */
export const logFileName = 'hdb.log';
