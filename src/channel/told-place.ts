import type { Table } from '../model/table.ts';
import type { ConfirmedPlace } from '../store/confirmed.ts';
import type { Store } from '../store/store.ts';
import type { WireCursor } from './wire-fields.ts';

/** The place in this very history of a channel of ours that a peer's cursor names; what it says of another is for `subscribe` to settle. */
export function toldPlace(
  store: Store,
  table: Table,
  cursor: WireCursor | undefined,
): ConfirmedPlace | undefined {
  if (cursor?.storeId !== store.identity.storeId || cursor.incarnation !== table.incarnation)
    return undefined;
  const { seq, id } = cursor;
  const isTrimmed = seq < store.log.head(table.id).trimmedSeq;
  return isTrimmed || store.log.idAt(table.id, seq) === id ? { tableId: table.id, seq, id } : undefined;
}
