import { canonical } from './key-index.ts';
import { readConfig, type Config } from './config.ts';
import type { ConfigSources } from './read-settings.ts';
import type { Variables } from './sources.ts';

/** What a command-line client needs to know to find a node and to be let in. */
export interface ClientConfig {
  readonly rootPath: string;
  readonly host: string;
  readonly domainSocket: string | undefined;
  /** For the node of the root path. */
  readonly admin: Config['admin'];
  /** For a node named by its address. */
  readonly target: { readonly username: string | undefined; readonly password: string | undefined };
}

/**
 * Reads what a client needs from the same sources as {@link loadConfig}.
 *
 * Does not insist on what only a node needs, so that a node can be stopped from a shell without its secrets.
 *
 * @throws ConfigError
 */
export function loadClientConfig(sources: ConfigSources): ClientConfig {
  const { rootPath, host, admin, operationsApi } = readConfig(sources);
  const variables = sources.env ?? process.env;
  return Object.freeze({
    rootPath,
    host,
    domainSocket: operationsApi.network.domainSocket,
    admin,
    target: {
      username: variable(variables, 'CLI_TARGET_USERNAME') ?? admin.username,
      password: variable(variables, 'CLI_TARGET_PASSWORD') ?? admin.password,
    },
  });
}

function variable(variables: Variables, wanted: string): string | undefined {
  const found = Object.entries(variables).find(([name]) => canonical(name) === canonical(wanted));
  return found?.[1] === '' ? undefined : found?.[1];
}
