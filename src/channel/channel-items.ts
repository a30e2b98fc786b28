import { channelName } from '../model/channel-name.ts';
import type { Origin } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import {
  isVia,
  type PieceItem,
  type StubItem,
  type TransactionHeader,
  type WholeItem,
} from '../model/transaction.ts';
import { encodeItem, splitItem } from '../model/transaction-codec.ts';
import type { LogEntry } from '../store/change-log.ts';
import type { Store } from '../store/store.ts';

/** A subscriber as the publisher of a channel sees it. */
export interface Reader {
  readonly name: string;
  readonly storeId: string | undefined;
  /** Nodes whose own channel of this table it follows. */
  readonly sources: readonly string[];
}

/** Whether a reader has no other way to the body of a transaction: otherwise a stub will do. */
export function needsBody(header: TransactionHeader, self: Origin, reader: Reader): boolean {
  if (header.origin.storeId === self.storeId) return !isVia(header.via, reader.storeId);
  return header.origin.name !== reader.name && !reader.sources.includes(header.origin.name);
}

export interface EncodedItem {
  readonly seq: number;
  readonly id: string;
  readonly bytes: Uint8Array;
  /** More pieces of the same transaction follow. */
  readonly isPartial: boolean;
  readonly committedAtMs: number;
}

/** A transaction that is too large for a message, packed and cut. */
export interface CutTransaction {
  readonly seq: number;
  readonly id: string;
  readonly committedAtMs: number;
  readonly pieces: readonly PieceItem[];
}

/**
 * Transactions of a channel after `afterSeq`, encoded, those larger than `maxItemBytes` in pieces.
 *
 * @param onCut told of each that comes in pieces, before the first of them
 */
export function* encodedItems(
  store: Store,
  table: Table,
  afterSeq: number,
  wantsBody: (header: TransactionHeader) => boolean,
  maxItemBytes: number,
  onCut?: (cut: CutTransaction) => void,
): Generator<EncodedItem> {
  const channel = channelName(table.database, table.name);
  for (const { seq, entry } of store.log.readChannel(table.id, afterSeq)) {
    const { committedAtMs } = entry;
    const { id } = entry.header;
    const item = itemOf(store, { id: table.id, channel }, seq, entry, wantsBody(entry.header));
    const bytes = encodeItem(item);
    if (item.kind !== 'whole' || bytes.length <= maxItemBytes) {
      yield { seq, id, bytes, isPartial: false, committedAtMs };
      continue;
    }
    const cut = { seq, id, committedAtMs, pieces: splitItem(item, bytes, maxItemBytes) };
    onCut?.(cut);
    yield* encodedPieces(cut);
  }
}

/** The pieces of a transaction, without the first `skip`. */
export function* encodedPieces(
  { seq, id, committedAtMs, pieces }: CutTransaction,
  skip = 0,
): Generator<EncodedItem> {
  for (const piece of pieces.slice(skip))
    yield { seq, id, bytes: encodeItem(piece), isPartial: piece.index < pieces.length - 1, committedAtMs };
}

function itemOf(
  store: Store,
  own: { readonly id: number; readonly channel: string },
  seq: number,
  { position, header, parts }: LogEntry,
  hasBody: boolean,
): WholeItem | StubItem {
  const part = parts.find(({ tableId }) => tableId === own.id);
  if (!part) throw new Error(`Log entry ${position} has no part in table ${own.id}`);
  const { originPlace, changes } = part;
  if (!hasBody) return { kind: 'stub', seq, header, originPlace };
  if (parts.length === 1)
    return {
      kind: 'whole',
      seq,
      header,
      originPlace,
      parts: [{ channel: own.channel, seq: part.seq }],
      changes,
    };
  const places: WholeItem['parts'] = parts.flatMap(({ tableId, seq: partSeq }) => {
    if (tableId === own.id) return [{ channel: own.channel, seq: partSeq }];
    const partTable = store.catalog.tableById(tableId);
    return partTable ? [{ channel: channelName(partTable.database, partTable.name), seq: partSeq }] : [];
  });
  return { kind: 'whole', seq, header, originPlace, parts: places, changes };
}
