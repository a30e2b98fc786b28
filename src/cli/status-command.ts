import { loadClientConfig } from '../config/client-config.ts';
import type { ConfigFlags } from './config-flags.ts';
import { formatAnswer } from './format-answer.ts';
import { NodeClient } from './node-client.ts';
import { refusalOf } from './answer.ts';

export interface StatusOptions {
  readonly json?: true;
}

const timeoutMs = 10_000;

/**
 * Prints the health of the node of the root path and the state of its links.
 *
 * The exit status is 1 when the node does not call itself healthy.
 *
 * @throws when no node runs there
 */
export async function runStatus({ json }: StatusOptions, flags: ConfigFlags['flags']): Promise<void> {
  const config = loadClientConfig({ flags });
  const client = NodeClient.forRootPath(config);

  const health = await client.ask('/health', { timeoutMs });
  const links = await client.ask('/', { body: { operation: 'cluster_status' }, timeoutMs });

  const cluster = links.status < 400 ? links.body : { error: refusalOf(links) };
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ health: health.body, cluster }, null, 2)}\n`);
  } else {
    const parts = [formatAnswer({ root: config.rootPath, ...asObject(health.body) }), formatAnswer(cluster)];
    process.stdout.write(`${parts.join('\n\n')}\n`);
  }
  if (health.status !== 200) process.exitCode = 1;
}

function asObject(body: unknown): object {
  return typeof body === 'object' && body !== null ? body : { status: body };
}
