import type { Change, Key, Origin, Stamp } from '../model/change.ts';
import { compareContent, compareStamps, deletedStamp, judge } from '../model/conflict.ts';
import type { DeletePolicy } from '../model/node.ts';
import { randomId } from '../model/random-id.ts';
import type { Table } from '../model/table.ts';
import { viaOf } from '../model/transaction.ts';
import { encodeChanges } from '../model/transaction-codec.ts';
import { msToVersion } from '../model/version-clock.ts';
import type { Archive } from './archive.ts';
import { knownNames, type Catalog } from './catalog.ts';
import type { ChangeLog } from './change-log.ts';
import type { Collected } from './collected.ts';
import type { Commit } from './commit.ts';
import type { Conflicts } from './conflicts.ts';
import type { Nodes } from './nodes.ts';
import { openedChange } from './opened-change.ts';
import { visibleBytes, visibleDocument, type Records } from './records.ts';
import { changeOf, rowOf, type Row } from './row.ts';

export interface MergerOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly log: ChangeLog;
  readonly conflicts: Conflicts;
  readonly archive: Archive;
  readonly nodes: Nodes;
  readonly collected: Collected;
  readonly identity: () => Origin;
  /** How old a delete is, ms, that whoever follows this node may have forgotten. */
  readonly forgottenMs: number;
}

/** What became of changes that met the rows here. */
export interface Merged {
  readonly won: readonly Change[];
  /** Old tombstones that won over records of the changes. */
  readonly oldDeletes: readonly Change[];
}

/** Who sent changes. */
export interface Sender {
  /** Name of the peer: the subscription to it says what a delete does. */
  readonly peer: string;
  readonly storeId: string;
  /** Of its table; undefined where that may no longer hold what it has sent. */
  readonly incarnation?: string;
  /** Whether it has had a row; undefined where nobody has said what it has had. */
  readonly hasHad?: (stamp: Stamp) => boolean;
}

/** Lets changes of other nodes meet the rows here: the last writer wins, record by record. Inside a commit. */
export class Merger {
  readonly #options: MergerOptions;

  constructor(options: MergerOptions) {
    this.#options = options;
  }

  /**
   * Writes the changes that win. Raises the clock, so that what is written here later wins
   * later, and notes what was overwritten unseen.
   */
  merge(
    commit: Commit,
    table: Table,
    changes: readonly Change[],
    sender: Sender,
    isCollected = this.#options.collected.of(table),
  ): Merged {
    const { records, catalog, conflicts, nodes, forgottenMs } = this.#options;
    const opened = changes.map((change) => openedChange(table, change));
    const widened = catalog.withAttributes(commit, table, lackingNames(table, opened));
    const won: Change[] = [];
    const oldDeletes: Change[] = [];
    const old = msToVersion(commit.nowMs - forgottenMs);
    let policy: DeletePolicy | undefined;
    // What is new comes in runs, and to look for a row costs as much as to put it where there is none.
    let isNew = true;
    for (const change of opened) {
      commit.raiseClock(change.version);
      if (
        isNew &&
        !isCollected(change.key, change) &&
        records.add(commit, widened, change.key, rowOf(change, null))
      ) {
        won.push(change);
        continue;
      }
      const stored = records.row(widened, change.key);
      isNew = !stored;
      // Deleted here: only the tombstone that would say so is gone.
      if (!stored && isCollected(change.key, change)) continue;
      const verdict = judge(change, stored);
      if (stored && verdict === 'same') continue;
      const wins =
        verdict === 'wins' ||
        (verdict === 'forged' && compareContent(change.bytes, stored?.bytes ?? null) > 0);
      if (stored) {
        const sides = wins
          ? { loser: stored, winner: change, isUnknown: sender.hasHad?.(stored) === false }
          : { loser: change, winner: stored, isUnknown: this.#isNewToUs(table, change, stored) };
        conflicts.note(commit, widened, change.key, sides);
      }
      if (!wins) {
        if (stored && !stored.bytes && change.bytes && stored.version < old)
          oldDeletes.push(changeOf(change.key, stored));
        continue;
      }
      let retained: Uint8Array | null = null;
      if (!change.bytes && stored) {
        policy ??= nodes.deletePolicy(sender.peer, table);
        retained = this.#remove(commit, widened, stored, change, policy);
      }
      records.put(commit, widened, change.key, stored, rowOf(change, retained));
      won.push(change);
    }
    return { won, oldDeletes };
  }

  /**
   * Merges rows that came outside the order of a channel, and logs those that won as one transaction of this node.
   *
   * @param sent what the sender has sent them in: where all of that won it is logged as it is
   */
  mergeRows(
    commit: Commit,
    table: Table,
    changes: readonly Change[],
    sender: Sender,
    sent?: { readonly rows: readonly Change[]; readonly block?: Uint8Array | undefined },
  ): number {
    const { won } = this.merge(commit, table, changes, sender);
    if (won.length === 0) return 0;
    const block = won.length === sent?.rows.length ? sent.block : undefined;
    const via = sender.incarnation === undefined ? undefined : viaOf(sender.storeId, sender.incarnation);
    this.#logRows(commit, table, block ?? encodeChanges(won), via);
    return won.length;
  }

  /**
   * Logs deletes once more, behind a transaction that brought what they had deleted: it is passed on whole, and who gets
   * it from here waits for what this node writes, not for what others write, before it forgets its deletes (`heard.ts`).
   */
  tellAgain(commit: Commit, table: Table, deletes: readonly Change[]): void {
    if (deletes.length > 0) this.#logRows(commit, table, encodeChanges(deletes), undefined);
  }

  #logRows(commit: Commit, table: Table, changes: Uint8Array, via: string | undefined): void {
    this.#options.log.append(
      commit,
      {
        id: randomId(),
        kind: 'rows',
        origin: this.#options.identity(),
        version: commit.state.clock,
        via,
        operation: undefined,
        user: undefined,
      },
      [{ tableId: table.id, incarnation: table.incarnation, changes }],
    );
  }

  /**
   * Deletes rows that a peer has deleted so long ago that it can no longer send the delete, and keeps them as conflicts.
   * Logged like any rows, so that it reaches those who follow this node. A row that has changed since stays.
   *
   * @returns the keys that went
   */
  removeStale(
    commit: Commit,
    table: Table,
    rows: readonly (Stamp & { readonly key: Key })[],
    sender: Sender,
  ): Key[] {
    const { records, conflicts } = this.#options;
    const deletions = rows.flatMap(({ key, ...stamp }): Change[] => {
      const row = records.row(table, key);
      if (!row?.bytes || compareStamps(row, stamp) !== 0) return [];
      const base = { version: row.version, origin: row.origin };
      const deletion = { key, ...deletedStamp(row), base, bytes: null };
      conflicts.noteStale(commit, table, key, row, deletion);
      return [deletion];
    });
    this.mergeRows(commit, table, deletions, sender);
    return deletions.map(({ key }) => key);
  }

  /** What we have written ourselves, and what comes now for the first time: we did not know of it. */
  #isNewToUs(table: Table, change: Stamp, own: Stamp): boolean {
    const { collected, identity } = this.#options;
    return own.origin.storeId === identity().storeId && !collected.wasHere(table, change);
  }

  /** What stays readable here of a row that a peer's delete replaces. */
  #remove(
    commit: Commit,
    table: Table,
    removed: Row,
    deletion: Change,
    policy: DeletePolicy,
  ): Uint8Array | null {
    if (policy === 'ignore') return visibleBytes(table, removed);
    const document = policy === 'archive' ? visibleDocument(table, removed) : undefined;
    if (document) this.#options.archive.keep(commit, table, { document, removed, deletion });
    return null;
  }
}

/** Attributes that the table does not know yet: those of documents that were decoded for it. */
function lackingNames(table: Table, changes: readonly Change[]): Set<string> {
  const known = knownNames(table);
  const lacking = new Set<string>();
  for (const { document } of changes)
    if (document) for (const name of Object.keys(document)) if (!known.has(name)) lacking.add(name);
  return lacking;
}
