import { loadClientConfig } from '../config/client-config.ts';
import type { ConfigFlags } from './config-flags.ts';
import { formatAnswer } from './format-answer.ts';
import { NodeClient, type Answer } from './node-client.ts';

export interface OperationOptions {
  readonly json?: true;
  readonly target?: string;
  readonly username?: string;
  readonly password?: string;
}

/**
 * Sends one operation to a node and prints its answer.
 *
 * @throws with the text of the node when it refuses, and when no node answers
 */
export async function runOperation(
  operation: string,
  pairs: readonly string[],
  options: OperationOptions,
  flags: ConfigFlags['flags'],
): Promise<void> {
  // `target` and `json` are no fields of any operation; they may be given like fields, too.
  const { target: targetField, json: jsonField, ...fields } = parsePairs(pairs);
  const target = options.target ?? (typeof targetField === 'string' ? targetField : undefined);
  const config = loadClientConfig({ flags });
  const client =
    target === undefined
      ? NodeClient.forRootPath(config)
      : NodeClient.forTarget({
          url: target,
          username: options.username ?? config.target.username,
          password: options.password ?? config.target.password,
        });

  const answer = await client.ask('/', { body: { operation, ...fields } });

  if (answer.status >= 400) throw new Error(refusalOf(answer));
  const isJson = options.json === true || jsonField === true;
  process.stdout.write(`${isJson ? JSON.stringify(answer.body, null, 2) : formatAnswer(answer.body)}\n`);
}

/** @throws for an argument that is not `key=value` */
export function parsePairs(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair): [string, unknown] => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw new Error(`Expected key=value, not ${pair}`);
      return [pair.slice(0, equals), parseValue(pair.slice(equals + 1))];
    }),
  );
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The text of an answer that is not a success. */
export function refusalOf({ status, body }: Answer): string {
  if (typeof body === 'object' && body !== null && 'error' in body) {
    return typeof body.error === 'string' ? body.error : JSON.stringify(body.error);
  }
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return text === '' ? `The node answered ${status}` : text;
}
