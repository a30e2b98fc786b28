import * as z from 'zod';
import { isId } from '../model/random-id.ts';

/** More than are asked for at a time; of rows that were repaired only some are told. */
export const maxKeysTold = 1_000;
/** Longer than any name, id, proof or version of a release; a reason is cut. */
const maxTextLength = 1_000;

export const text = z.string().max(maxTextLength);
export const id = z.string().refine(isId, 'no id');
export const count = z.int().nonnegative();
/** A moment that a person can be shown. */
export const timeMs = z.number().min(-8.64e15).max(8.64e15);
export const key = z.union([z.string(), z.number()]);
export const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected binary');
export const origin = z.object({ name: text, storeId: id });
export const identity = z.object({ storeId: id, incarnation: id });
export const range = z.object({ after: key.nullable(), upTo: key.nullable() });
/** A place in one history of one table. */
export const cursor = z.object({ storeId: id, incarnation: id, seq: count, id });
/** A transaction of a channel, mostly its newest. */
export const head = z.object({ seq: count, committedAtMs: timeMs });

export type WireCursor = z.infer<typeof cursor>;

/** A place as it is told. */
export function wireCursor(
  source: { readonly storeId: string; readonly incarnation: string },
  cursor: { readonly seq: number; readonly id: string },
): WireCursor {
  return { storeId: source.storeId, incarnation: source.incarnation, seq: cursor.seq, id: cursor.id };
}
