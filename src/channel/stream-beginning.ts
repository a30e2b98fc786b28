import type { Table } from '../model/table.ts';
import type { Store } from '../store/store.ts';
import type { WireCursor } from './wire-fields.ts';
import { toldPlace } from './told-place.ts';

/**
 * After which number a stream that is begun anew begins: at the place of the subscriber that is furthest behind, of those
 * that the log can serve from where they are, and no further back than the stream can hold. Undefined when there are none.
 *
 * @param told what subscribers say they hold, of whichever history
 * @param maxBytes of the stream
 */
export function streamBeginning(
  store: Store,
  table: Table,
  told: readonly WireCursor[],
  maxBytes: number,
): number | undefined {
  const { headSeq, trimmedSeq, channelBytes } = store.log.head(table.id);
  const places = told
    .flatMap((cursor) => toldPlace(store, table, cursor)?.seq ?? [])
    .filter((seq) => seq >= trimmedSeq);
  if (places.length === 0) return undefined;
  const fits = (after: number): boolean =>
    channelBytes - (store.log.place(table.id, after + 1)?.before?.channel ?? 0) <= maxBytes;
  let low = Math.min(...places);
  let high = headSeq;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
