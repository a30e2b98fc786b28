import type { OriginPlace } from '../model/transaction.ts';
import type { Environment } from './environment.ts';

export interface Mark {
  readonly storeId: string;
  readonly place: OriginPlace;
}

/** Per (origin, channel): the highest number at the origin held here without a gap. Decides what is new. */
export class Marks {
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get(tableId: number, storeId: string, incarnation: string): number {
    const value = this.#environment.trees.marks.get([tableId, storeId, incarnation]);
    return value ? Number(value.readBigUInt64BE()) : 0;
  }

  /** Inside a commit: never goes back. */
  raise(tableId: number, storeId: string, place: OriginPlace): void {
    if (place.seq <= this.get(tableId, storeId, place.incarnation)) return;
    const value = Buffer.allocUnsafe(8);
    value.writeBigUInt64BE(BigInt(place.seq));
    this.#environment.trees.marks.putSync([tableId, storeId, place.incarnation], value);
  }

  all(tableId: number): Mark[] {
    return [...this.#environment.trees.marks.getRange({ start: [tableId], end: [tableId + 1] })].map(
      ({ key, value }) => {
        const [, storeId, incarnation] = key as [number, string, string];
        return { storeId, place: { incarnation, seq: Number(value.readBigUInt64BE()) } };
      },
    );
  }

  /** Inside a commit. */
  removeTable(tableId: number): void {
    for (const key of [...this.#environment.trees.marks.getKeys({ start: [tableId], end: [tableId + 1] })])
      this.#environment.trees.marks.removeSync(key);
  }
}
