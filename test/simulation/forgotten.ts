import type { Change, Key } from '../../src/model/change.ts';
import type { Table } from '../../src/model/table.ts';
import type { Life } from './life.ts';

/** Every delete that was ever committed, and which rows may be missing because a node has forgotten theirs. */
export class Deletes {
  /** Newest version of a delete, by table and key. */
  readonly #newest = new Map<string, number>();

  note(tableName: string, { key, version, bytes }: Change): void {
    const name = nameOf(tableName, key);
    if (bytes === null) this.#newest.set(name, Math.max(version, this.#newest.get(name) ?? 0));
  }

  /** Whether a node may lack this, because something newer under its key was deleted and the delete is forgotten. */
  isForgotten(life: Life, table: Table, { key, version }: Change): boolean {
    if (!life.isReady || version > life.store.tombstones.deletedBefore(table.id)) return false;
    return (this.#newest.get(nameOf(table.name, key)) ?? 0) >= version;
  }
}

function nameOf(tableName: string, key: Key): string {
  return `${tableName} ${JSON.stringify(key)}`;
}
