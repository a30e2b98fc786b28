import type { Config } from '../config/config.ts';

/** What the bridge process needs to know, sent to it by its parent: it reads no configuration of its own. */
export interface BridgeConfig {
  readonly config: Config;
  readonly apiPort: number;
  readonly clusterPort: number;
  readonly version: string;
}
