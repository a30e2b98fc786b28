import type { Change, Key, Stamp } from '../../src/model/change.ts';
import { writerOf } from '../../src/model/conflict.ts';
import type { Table } from '../../src/model/table.ts';
import type { Life } from './life.ts';

/** Every delete that was ever committed, and which rows may be missing because a node has forgotten theirs. */
export class Deletes {
  /** Newest version of a delete, by table and key. */
  readonly #newest = new Map<string, number>();
  /** Rows that a disk held, each by its stamp, until they went; by node, number of the table and key. */
  readonly #held = new Map<string, Set<string>>();

  /** Tables that others shared before: what was written where they were not may be older than what is forgotten. */
  readonly reshared = new Set<string>();

  note(tableName: string, change: Change): void {
    const { key, version, bytes } = change;
    const name = nameOf(tableName, key);
    // One that is made of a row that a comparison takes for deleted is none that anybody asked for.
    if (bytes === null && writerOf(change) === change)
      this.#newest.set(name, Math.max(version, this.#newest.get(name) ?? 0));
  }

  /** Whether a node may lack this, because something newer under its key was deleted and the delete is forgotten. */
  isForgotten(life: Life, table: Table, { key, version }: Change): boolean {
    if (!life.isReady || version > life.store.tombstones.deletedBefore(table.id)) return false;
    return (this.#newest.get(nameOf(table.name, key)) ?? 0) >= version;
  }

  /** Whether somebody has deleted this row, or something newer under its key. */
  wasDeleted(tableName: string, key: Key, { version }: Stamp): boolean {
    return (this.#newest.get(nameOf(tableName, key)) ?? 0) > version;
  }

  /** Notes that a disk holds a row; whether it has held it before. */
  isAgain(node: string, tableId: number, { key, version, origin, bytes }: Change): boolean {
    if (bytes === null) return false;
    const name = `${node} ${tableId} ${JSON.stringify(key)}`;
    const stamps = this.#held.get(name) ?? new Set();
    const stamp = `${version} ${origin.storeId}`;
    const isAgain = stamps.has(stamp);
    this.#held.set(name, stamps.add(stamp));
    return isAgain;
  }

  /** A tombstone went: where its node had not heard yet who else has the table, nobody could be waited for. */
  gone(life: Life, table: Table | undefined): void {
    if (!table || table.local || !life.isReady) return;
    const { name } = table;
    const { pairs } = life.world.config;
    const agreed = pairs.filter(
      ({ a, b, agreements }) =>
        (a === life.name || b === life.name) && agreements.some((agreement) => agreement.table === name),
    );
    const known = life.rows().filter(({ subscriptions }) => subscriptions.some((one) => one.table === name));
    if (known.length < agreed.length) this.reshared.add(name);
  }

  /**
   * Whether a row that was never at a node before may have come there though it is older than a delete that is forgotten:
   * written where the delete, or the wait for what is older, did not reach. That is not judged (`collected.ts`).
   */
  mayBeOlder(life: Life, tableName: string, { origin }: Stamp): boolean {
    const isHeard = life
      .rows()
      .some(
        ({ name, subscriptions }) =>
          name === origin.name &&
          subscriptions.some(({ table, subscribe }) => subscribe && table === tableName),
      );
    return !isHeard || this.reshared.has(tableName);
  }

  /** The disk of a node got other contents. */
  replaced(node: string): void {
    for (const name of this.#held.keys()) if (name.startsWith(`${node} `)) this.#held.delete(name);
  }
}

function nameOf(tableName: string, key: Key): string {
  return `${tableName} ${JSON.stringify(key)}`;
}
