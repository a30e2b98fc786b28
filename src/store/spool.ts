import type { PieceItem, StubItem, WholeItem } from '../model/transaction.ts';
import { decodeItem } from '../model/transaction-codec.ts';
import type { Environment } from './environment.ts';

/** Pieces of a transaction that is larger than a message, kept on disk until the last one arrives. */
export class Spool {
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Inside a commit: the whole item with its last piece; undefined while some are missing. */
  add(tableId: number, storeId: string, piece: PieceItem): WholeItem | StubItem | undefined {
    const { spool } = this.#environment.trees;
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
    const item = decodeItem(Buffer.concat(pieces));
    return item.kind === 'piece' ? undefined : item;
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
