import { nodeNameProblem } from '../model/names.ts';
import { ConfigError } from './config-error.ts';
import type { Config } from './config.ts';

/**
 * What must hold between the settings of a node that starts.
 *
 * @throws ConfigError
 */
export function checkNodeConfig(config: Config): void {
  checkUsers(config);
  checkPorts(config);
}

function checkUsers({ nodeName, admin, clustering: { enabled, user, password } }: Config): void {
  if (!enabled) return;
  const problem = nodeNameProblem(nodeName);
  if (problem !== undefined)
    refuse('clustering.nodeName', `is no name of a node that others may have: it ${problem}`);
  const missing = [
    ...(user === undefined ? ['CLUSTERING_USER'] : []),
    ...(password === undefined ? ['CLUSTERING_PASSWORD'] : []),
  ];
  if (missing.length > 0) refuse('clustering.enabled', `needs ${missing.join(' and ')} to be set`);
  if (user === admin.username)
    refuse(
      'clustering.user',
      'is also the administrator: give CLUSTERING_USER another name than HDB_ADMIN_USERNAME',
    );
}

function checkPorts({ operationsApi, clustering }: Config): void {
  const { port, securePort, https } = operationsApi.network;
  // Else what was meant for TLS would be spoken in plain.
  if (https && securePort === undefined)
    refuse('operationsApi.network.https', 'is true: set operationsApi.network.securePort');
  if (port === undefined && securePort === undefined)
    refuse('operationsApi.network.port', 'is false: set operationsApi.network.securePort');
  const taken = new Map<number, string>();
  const wanted: readonly (readonly [key: string, port: number | undefined])[] = [
    ['operationsApi.network.port', port],
    ['operationsApi.network.securePort', securePort],
    ['clustering.hubServer.cluster.network.port', clustering.enabled ? clustering.port : undefined],
  ];
  for (const [key, number] of wanted) {
    // 0 is any free port.
    if (number === undefined || number === 0) continue;
    const other = taken.get(number);
    if (other !== undefined) refuse(key, `is ${number}, and so is ${other}: give each a port of its own`);
    taken.set(number, key);
  }
}

function refuse(key: string, problem: string): never {
  throw new ConfigError('configuration', key, problem);
}
