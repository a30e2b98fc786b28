import type { Table } from '../model/table.ts';
import { msToVersion } from '../model/version-clock.ts';
import type { Commit } from './commit.ts';
import type { Environment, Tree } from './environment.ts';
import type { Nodes } from './nodes.ts';
import { readWide, writeWide } from './wide-integer.ts';

/** What a peer says of one of its channels in a greeting, and how far we have come in it. */
export interface HeardPlace {
  readonly tableId: number;
  /** Its newest transaction, and its wall clock, ms since 1970, when it spoke. */
  readonly headSeq: number;
  readonly clockMs: number;
  /** Our cursor. */
  readonly seq: number;
}

export interface HeardOptions {
  readonly environment: Environment;
  readonly nodes: () => Nodes;
  readonly run: <T>(body: (commit: Commit) => T) => Promise<T>;
  /** Longer than a commit takes from drawing its version to being seen; what is written down may be so much older, too. */
  readonly graceMs: number;
}

/**
 * Up to which version everything is here that the publishers of a table wrote into it.
 *
 * A tombstone may only go once nothing older than it can come: a peer that has confirmed the delete may still
 * have a write from before in a backlog. When it speaks, all that is older than its clock is behind its head, but for
 * what it is just flushing; once our cursor has reached that head, it is here.
 */
export class Heard {
  readonly #options: HeardOptions;
  /** Of the first greeting whose head we have not reached yet. */
  readonly #pending = new Map<string, HeardPlace>();

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
    const { graceMs, run } = this.#options;
    const reached = places
      .flatMap((place) => this.#reached(peer, place) ?? [])
      .map(({ tableId, clockMs }) => ({ tableId, upTo: Math.max(0, msToVersion(clockMs - graceMs)) }));
    const due = reached.filter(({ tableId, upTo }) => upTo > this.#get(tableId, peer) + msToVersion(graceMs));
    if (due.length === 0) return;
    await run(() => {
      for (const { tableId, upTo } of due) this.#tree.putSync([tableId, peer], encode(upTo));
    });
  }

  /** Inside a commit. */
  removeTable(tableId: number): void {
    for (const key of [...this.#tree.getKeys({ start: [tableId], end: [tableId + 1] })])
      this.#tree.removeSync(key);
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
