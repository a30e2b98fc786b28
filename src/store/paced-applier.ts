import type { ChannelItem } from '../model/transaction.ts';
import type { Applier, ApplyResult, CopyPage, Source } from './applier.ts';
import type { Commit } from './commit.ts';
import type { LocalWrites } from './local-writes.ts';

/** Rows of a copy that a commit takes in while clients write: a few milliseconds of work. */
const busyCopyRows = 100;

/** Applies what peers publish in commits no larger than {@link LocalWrites} allows. */
export class PacedApplier {
  readonly #applier: Applier;
  readonly #localWrites: LocalWrites;
  readonly #run: <T>(body: (commit: Commit) => T) => Promise<T>;

  constructor(
    applier: Applier,
    localWrites: LocalWrites,
    run: <T>(body: (commit: Commit) => T) => Promise<T>,
  ) {
    this.#applier = applier;
    this.#localWrites = localWrites;
    this.#run = run;
  }

  async apply(source: Source, items: readonly ChannelItem[]): Promise<ApplyResult> {
    let transactions = 0;
    let changes = 0;
    for (let begin = 0; ;) {
      const { taken, ...step } = await this.#run((commit) =>
        this.#applier.apply(commit, source, items.slice(begin), this.#localWrites.commitLimit()),
      );
      begin += taken;
      transactions += step.transactions;
      changes += step.changes;
      if (step.stop || begin >= items.length) return { ...step, transactions, changes };
    }
  }

  async applyCopy(source: Source, page: CopyPage): Promise<ApplyResult> {
    let changes = 0;
    for (let left = page; ;) {
      const rows = left.rows.slice(0, this.#localWrites.areRecent ? busyCopyRows : undefined);
      const isWhole = rows.length === left.rows.length;
      const part = isWhole ? left : { ...left, rows, lastKey: rows.at(-1)?.key, isLast: false };
      const step = await this.#run((commit) => this.#applier.applyCopy(commit, source, part));
      changes += step.changes;
      if (step.stop || isWhole) return { ...step, changes };
      left = { ...left, rows: left.rows.slice(rows.length) };
    }
  }
}
