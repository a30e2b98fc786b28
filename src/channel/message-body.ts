import * as z from 'zod';
import { CodedError } from '../model/errors.ts';
import { decodeMessage, encodeMessage } from '../model/transaction-codec.ts';

const failure = z.object({ error: z.string() });

export function encodeBody(body: unknown): Uint8Array {
  return encodeMessage(body);
}

export function encodeFailure(reason: string): Uint8Array {
  return encodeMessage({ error: reason });
}

/** What is said of a message that is not as agreed: it may have as many faults as bytes, and names as long. */
const faultsTold = 5;
const charactersTold = 1_000;

/** Parses what another node sent. @throws CodedError `undecodable`, or `unavailable` with the reason that it gave */
export function decodeBody<T>(schema: z.ZodType<T>, body: Uint8Array): T {
  return parseBody(schema, decodeMessage(body));
}

/** The same, of a message that is no longer packed. */
export function parseBody<T>(schema: z.ZodType<T>, message: unknown): T {
  const parsed = schema.safeParse(message);
  if (parsed.success) return parsed.data;
  const refused = failure.safeParse(message);
  if (refused.success) throw new CodedError('unavailable', refused.data.error.slice(0, charactersTold));
  const faults = z.prettifyError(new z.ZodError(parsed.error.issues.slice(0, faultsTold)));
  throw new CodedError(
    'undecodable',
    `A message of another node is not as agreed: ${faults.slice(0, charactersTold)}`,
  );
}
