import type { Config } from '../config/config.ts';

/**
 * What nats-server and the bridge are started with: the configuration and what the node has found out. The bridge process
 * is sent it by its parent, and reads no configuration of its own.
 */
export interface NodeSetup {
  readonly config: Config;
  readonly apiPort: number;
  readonly clusterPort: number;
  readonly version: string;
}
