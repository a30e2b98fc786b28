import type { ChannelItem, PieceItem, UndecodableItem } from '../model/transaction.ts';
import { openFrame } from '../model/transaction-codec.ts';
import type { Environment } from './environment.ts';

/** What a piece takes in the store beside its bytes. */
const pieceBytes = 100;

/** Pieces of a transaction that is larger than a message, kept on disk until the last one arrives. */
export class Spool {
  readonly #environment: Environment;
  readonly #maxBytes: number;

  /** @param maxBytes of an item: of a larger one nothing is kept */
  constructor(environment: Environment, maxBytes: number) {
    this.#environment = environment;
    this.#maxBytes = maxBytes;
  }

  /**
   * Inside a commit: the whole item with its last piece; undefined while some are missing. What is too large, or no item
   * when it is joined, comes as `undecodable`.
   */
  add(tableId: number, storeId: string, piece: PieceItem): Exclude<ChannelItem, PieceItem> | undefined {
    const { spool } = this.#environment.trees;
    const problem = this.#problemOf(piece);
    if (problem !== undefined) return undecodable(piece, piece.bytes, problem);
    if (piece.index === 0) this.clear(tableId, storeId);
    spool.putSync(
      [tableId, storeId, piece.index],
      Buffer.concat([Buffer.from(piece.id, 'latin1'), piece.bytes]),
    );
    if (piece.index !== piece.count - 1) return undefined;
    const pieces: Buffer[] = [];
    for (const { value } of spool.getRange({
      start: [tableId, storeId, 0],
      end: [tableId, storeId, piece.count],
    }))
      // A sender that began anew may have left pieces of another attempt: they do not count.
      if (value.toString('latin1', 0, piece.id.length) === piece.id)
        pieces.push(value.subarray(piece.id.length));
    if (pieces.length !== piece.count) return undefined;
    const bytes = Buffer.concat(pieces);
    const item = openFrame({ seq: piece.seq, id: piece.id, bytes });
    return item.kind === 'piece' ? undecodable(piece, bytes, 'Pieces that make a piece') : item;
  }

  /** By each piece alone: all but the last are of the same size, and each takes some room by itself. */
  #problemOf({ index, count, bytes }: PieceItem): string | undefined {
    if (index >= count || bytes.length === 0) return `Piece ${index} of ${count}, of ${bytes.length} bytes`;
    if ((bytes.length + pieceBytes) * (count - 1) > this.#maxBytes)
      return `${count} pieces of ${bytes.length} bytes: a transaction may have ${this.#maxBytes}`;
    return undefined;
  }

  /**
   * Inside a commit: forgets the pieces of all other stores, unless nobody knows what those are; `storeIds` is called where
   * there are any pieces at all.
   */
  keepOnly(storeIds: () => ReadonlySet<string> | undefined): void {
    const { spool } = this.#environment.trees;
    const keys = [...spool.getKeys({})] as [tableId: number, storeId: string, index: number][];
    if (keys.length === 0) return;
    const kept = storeIds();
    for (const key of keys) if (kept?.has(key[1]) === false) spool.removeSync(key);
  }

  /** Inside a commit. */
  removeTable(tableId: number): void {
    const { spool } = this.#environment.trees;
    for (const key of [...spool.getKeys({ start: [tableId], end: [tableId + 1] })]) spool.removeSync(key);
  }

  /** Inside a commit. */
  clear(tableId: number, storeId: string): void {
    const { spool } = this.#environment.trees;
    for (const key of [
      ...spool.getKeys({ start: [tableId, storeId, 0], end: [tableId, storeId, Number.MAX_SAFE_INTEGER] }),
    ])
      spool.removeSync(key);
  }
}

function undecodable({ seq, id }: PieceItem, bytes: Uint8Array, detail: string): UndecodableItem {
  return { kind: 'undecodable', seq, id, bytes, detail };
}
