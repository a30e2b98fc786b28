import { loadClientConfig } from '../config/client-config.ts';
import type { ConfigFlags } from './config-flags.ts';
import { findClient, type TargetOptions } from './find-client.ts';
import { formatAnswer } from './format-answer.ts';
import { refusalOf } from './answer.ts';

export interface StatusOptions extends TargetOptions {
  readonly json?: true;
}

const timeoutMs = 10_000;

/**
 * Prints the health of a node, that of the root path when no other is named, and the state of its links.
 *
 * The exit status is 1 when the node does not call itself healthy.
 *
 * @throws when no node answers there
 */
export async function runStatus(options: StatusOptions, flags: ConfigFlags['flags']): Promise<void> {
  const client = findClient(options, flags);

  const health = await client.ask('/health', { timeoutMs });
  const links = await client.ask('/', { body: { operation: 'cluster_status' }, timeoutMs });

  const cluster = links.status < 400 ? links.body : { error: refusalOf(links) };
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ health: health.body, cluster }, null, 2)}\n`);
  } else {
    // Not the target: it may hold a password.
    const where = options.target === undefined ? { root: loadClientConfig({ flags }).rootPath } : {};
    const parts = [formatAnswer({ ...where, ...asObject(health.body) }), formatAnswer(cluster)];
    process.stdout.write(`${parts.join('\n\n')}\n`);
  }
  if (health.status !== 200) process.exitCode = 1;
}

function asObject(body: unknown): object {
  return typeof body === 'object' && body !== null ? body : { status: body };
}
