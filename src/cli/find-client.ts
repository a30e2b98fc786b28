import { loadClientConfig } from '../config/client-config.ts';
import type { ConfigFlags } from './config-flags.ts';
import { NodeClient } from './node-client.ts';

/** Which node to speak to, and as whom. */
export interface TargetOptions {
  readonly target?: string | undefined;
  readonly username?: string;
  readonly password?: string;
}

/** The node of the address, or of the root path when none is given. */
export function findClient(options: TargetOptions, flags: ConfigFlags['flags']): NodeClient {
  const config = loadClientConfig({ flags });
  if (options.target === undefined) return NodeClient.forRootPath(config);
  return NodeClient.forTarget({
    url: options.target,
    username: options.username ?? config.target.username,
    password: options.password ?? config.target.password,
  });
}
