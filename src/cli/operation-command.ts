import { refuseWideIntegers } from '../model/wide-integers.ts';
import type { ConfigFlags } from './config-flags.ts';
import { didYouMean } from './did-you-mean.ts';
import { formatAnswer } from './format-answer.ts';
import { findClient, type TargetOptions } from './find-client.ts';

export interface OperationOptions extends TargetOptions {
  readonly json?: true;
}

/**
 * Sends one operation to a node and prints its answer.
 *
 * @param commands the names of the commands, one of which may have been meant
 * @throws with the text of the node when it refuses, and when no node answers
 */
export async function runOperation(
  operation: string,
  pairs: readonly string[],
  options: OperationOptions,
  flags: ConfigFlags['flags'],
  commands: readonly string[],
): Promise<void> {
  // `target` and `json` are no fields of any operation; they may be given like fields, too.
  const { target: targetField, json: jsonField, ...fields } = parsePairs(pairs);
  const target = options.target ?? (typeof targetField === 'string' ? targetField : undefined);
  const client = findClient({ ...options, target }, flags);
  const answer = await client.run({ operation, ...fields }).catch(async (cause: unknown) => {
    // Whether there is such an operation is for the node to say: it may be of another version.
    const isUnknown = cause instanceof Error && cause.message === `Operation '${operation}' not found`;
    throw isUnknown
      ? new Error(`${cause.message}${await didYouMean(operation, commands)}`, { cause })
      : cause;
  });

  const isJson = options.json === true || jsonField === true;
  process.stdout.write(`${isJson ? JSON.stringify(answer, null, 2) : formatAnswer(answer)}\n`);
}

/** @throws for an argument that is not `key=value`, and for a value that would be stored as another */
export function parsePairs(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair): [string, unknown] => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw new Error(`Expected key=value, not ${pair}`);
      const key = pair.slice(0, equals);
      // What Node makes of bytes that are no UTF-8; the character itself is rare enough to be asked for in JSON.
      if (pair.includes('\uFFFD'))
        throw new Error(`${key} is not UTF-8; \\ufffd in JSON stands for the character itself`);
      const value = parseValue(pair.slice(equals + 1));
      if (hasInfinity(value)) throw new Error(`${key} holds a number that is too large to be kept`);
      return [key, value];
    }),
  );
}

/** JSON.parse makes it of `1e400`, and JSON.stringify makes null of it. */
function hasInfinity(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(hasInfinity);
  return value === Infinity || value === -Infinity;
}

function parseValue(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  refuseWideIntegers(Buffer.from(text), text);
  return value;
}
