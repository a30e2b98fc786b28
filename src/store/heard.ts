import type { Table } from '../model/table.ts';
import { msToVersion } from '../model/version-clock.ts';
import { readStoreState, type Commit } from './commit.ts';
import type { Environment, Tree } from './environment.ts';
import type { Nodes } from './nodes.ts';
import { readWide, writeWide } from './wide-integer.ts';

/** What a peer says of one of its channels in a greeting, and how far we have come in it. */
export interface HeardPlace {
  readonly tableId: number;
  /** Its newest transaction when it spoke, and the version than which everything is newer that it wrote since. */
  readonly headSeq: number;
  readonly upTo: number;
  /** Our cursor. */
  readonly seq: number;
}

export interface HeardOptions {
  readonly environment: Environment;
  readonly nodes: () => Nodes;
  readonly run: <T>(body: (commit: Commit) => T) => Promise<T>;
  /** What is written down may be so much older than what is known. */
  readonly stepMs: number;
  readonly now: () => number;
}

/**
 * Up to which version everything is here that the publishers of a table wrote into it.
 *
 * A tombstone may only go once nothing older than it can come: a peer that has confirmed the delete may still
 * have a write from before in a backlog. When it speaks it says which versions it writes no more, by what is in its store
 * and not by a clock that may be set back; all that is older is behind its head, and once our cursor has reached that
 * head, it is here.
 */
export class Heard {
  readonly #options: HeardOptions;
  /** Of the first greeting whose head we have not reached yet. */
  readonly #pending = new Map<string, HeardPlace>();
  /** When what is known of a table and a peer was last written down. */
  readonly #notedAtMs = new Map<string, number>();

  constructor(options: HeardOptions) {
    this.#options = options;
  }

  /**
   * Of the publisher that was heard longest ago; Infinity when the table is taken from nobody, 0 while a row cannot be
   * read that may say that it is.
   */
  upTo(table: Table): number {
    const nodes = this.#options.nodes();
    if (nodes.unreadable().length > 0) return 0;
    const publishers = nodes
      .known()
      .filter(({ subscriptions }) =>
        subscriptions.some(
          ({ subscribe, stopped, database, table: name }) =>
            subscribe && stopped === undefined && database === table.database && name === table.name,
        ),
      );
    return Math.min(Infinity, ...publishers.map(({ name }) => this.#get(table.id, name)));
  }

  /** Takes what a peer says of its channels. */
  async note(peer: string, places: readonly HeardPlace[]): Promise<void> {
    const { now, run } = this.#options;
    const due = places
      .flatMap((place) => this.#reached(peer, place) ?? [])
      .filter(({ tableId, upTo }) => this.#isWorthNoting(tableId, peer, upTo));
    if (due.length === 0) return;
    await run(() => {
      for (const { tableId, upTo } of due) this.#tree.putSync([tableId, peer], encode(upTo));
    });
    for (const { tableId } of due) this.#notedAtMs.set(`${tableId} ${peer}`, now());
  }

  /**
   * Takes how far a peer's store is: what is written here from now on is newer, as if a row of it had been applied. Else a
   * delete there would wait for a write here, and an idle node writes nothing. Never beyond the clock here.
   */
  async follow(version: number): Promise<void> {
    const { environment, stepMs, now, run } = this.#options;
    const upTo = Math.min(version, msToVersion(now()));
    if (upTo <= readStoreState(environment).clock + msToVersion(stepMs)) return;
    await run((commit) => commit.raiseClock(upTo));
  }

  /** A peer is another store now, which may write what the one before it wrote no more. */
  async forget(peer: string): Promise<void> {
    const isOf = (place: unknown): boolean => Array.isArray(place) && place[1] === peer;
    for (const key of this.#pending.keys()) if (key.endsWith(` ${peer}`)) this.#pending.delete(key);
    await this.#options.run(() => {
      for (const place of [...this.#tree.getKeys({})].filter(isOf)) this.#tree.removeSync(place);
    });
  }

  /** Inside a commit. */
  removeTable(tableId: number): void {
    for (const key of [...this.#tree.getKeys({ start: [tableId], end: [tableId + 1] })])
      this.#tree.removeSync(key);
  }

  /** A commit for each greeting would be too many. */
  #isWorthNoting(tableId: number, peer: string, upTo: number): boolean {
    const { stepMs, now } = this.#options;
    const noted = this.#get(tableId, peer);
    if (upTo > noted + msToVersion(stepMs)) return true;
    const agoMs = Math.abs(now() - (this.#notedAtMs.get(`${tableId} ${peer}`) ?? -Infinity));
    return upTo > noted && agoMs > stepMs;
  }

  #reached(peer: string, place: HeardPlace): HeardPlace | undefined {
    const key = `${place.tableId} ${peer}`;
    const pending = this.#pending.get(key);
    const reached = [place, pending].find((told) => told && place.seq >= told.headSeq);
    if (reached) this.#pending.delete(key);
    if (!reached && !pending) this.#pending.set(key, place);
    return reached;
  }

  #get(tableId: number, peer: string): number {
    const value = this.#tree.get([tableId, peer]);
    return value ? readWide(value) : 0;
  }

  get #tree(): Tree {
    return this.#options.environment.trees.heard;
  }
}

function encode(version: number): Buffer {
  const value = Buffer.allocUnsafe(8);
  writeWide(value, version, 0);
  return value;
}
