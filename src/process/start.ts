import type { Config } from '../config/config.ts';
import type { ConfigSources } from '../config/read-settings.ts';
import { dataDirectory } from '../config/data-directory.ts';
import { ConfigurationFile } from '../config/configuration-file.ts';
import { CodedError, messageOf } from '../model/errors.ts';
import { Closer } from '../runtime/closer.ts';
import { FileLock, FileLockedError } from '../runtime/file-lock.ts';
import { createLogger, type Logger } from '../runtime/logger.ts';
import { makePrivateDirectory } from '../runtime/private-files.ts';
import { startApi, type NodeAround, type RunningApi } from './api.ts';
import { logOptions } from './log-options.ts';
import { NodePrograms } from './node-programs.ts';

export interface RunningNode extends AsyncDisposable {
  /** Undefined: TLS only. */
  readonly apiPort: number | undefined;
  /** Undefined when clustering is off. */
  readonly clusterPort: number | undefined;
  /** Resolves when an operation asks for a restart: close the node, and start it again. */
  readonly restartAsked: Promise<void>;
}

/**
 * Runs a node: api process (this one), its nats-server and its bridge. Says in one line that it is ready.
 *
 * @param programs perhaps prepared
 * @param sources what the configuration was read from, for operations that show and change it
 * @throws with a one-line message when the node cannot start
 */
export async function startNode(
  config: Config,
  programs = new NodePrograms(config),
  sources: ConfigSources = {},
): Promise<RunningNode> {
  const closer = new Closer();
  try {
    makeDirectory(config.rootPath);
    const lock = closer.own('data directory', await lockDirectory(config.rootPath));
    const log = openLog(config);
    if (lock.unwritten !== undefined)
      log.warn(
        { err: lock.unwritten, path: lock.path },
        'process number not written: lyre stop finds no node',
      );
    if (config.ignored.length > 0)
      log.warn({ settings: config.ignored }, 'settings that are accepted and have no effect here');
    let restart = (): void => {};
    const restartAsked = new Promise<void>((resolve) => (restart = resolve));
    const node: NodeAround = {
      configuration: new ConfigurationFile(sources),
      logDirectory: config.logging.file ? config.logging.root : undefined,
      auditLog: config.logging.auditLog,
      restart,
    };
    const api: RunningApi = closer.own('api', await startApi(config, log, programs, node));
    const cluster = api.clusterPort === undefined ? 'clustering off' : `cluster port ${api.clusterPort}`;
    process.stdout.write(
      `lyre: node '${config.nodeName}' is ready: operations API ${addresses(config.host, api)}, ${cluster}\n`,
    );
    return {
      apiPort: api.port,
      clusterPort: api.clusterPort,
      restartAsked,
      [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose](),
    };
  } catch (error) {
    await closer[Symbol.asyncDispose]();
    throw error;
  }
}

function makeDirectory(path: string): void {
  try {
    makePrivateDirectory(path);
  } catch (cause) {
    throw new CodedError(
      'start_failed',
      `The data directory ${path} cannot be created: ${messageOf(cause)}`,
      { cause },
    );
  }
}

async function lockDirectory(path: string): Promise<FileLock> {
  try {
    // `lyre stop` may be looking whether anybody holds it.
    return await FileLock.acquire(dataDirectory(path).pid, { waitMs: 100 });
  } catch (cause) {
    if (cause instanceof FileLockedError) {
      const holder = cause.holderPid === undefined ? '' : ` (process ${cause.holderPid})`;
      throw new CodedError('start_failed', `The data directory ${path} is in use by another node${holder}`, {
        cause,
      });
    }
    throw new CodedError(
      'start_failed',
      `The data directory ${path} cannot be written: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function openLog(config: Config): Logger {
  try {
    return createLogger(logOptions(config, 'api'));
  } catch (cause) {
    throw new CodedError(
      'start_failed',
      `The log directory ${config.logging.root} cannot be written: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function addresses(host: string, { port, securePort }: RunningApi): string {
  return [
    ...(port === undefined ? [] : [`http://${shown(host)}:${port}`]),
    ...(securePort === undefined ? [] : [`https://${shown(host)}:${securePort}`]),
  ].join(' and ');
}

function shown(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
}
