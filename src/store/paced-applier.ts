import type { ChannelItem } from '../model/transaction.ts';
import type { Applier, ApplyResult, Together, TransactionPart } from './applier.ts';
import type { Commit } from './commit.ts';
import type { CopyApplier, CopyPage } from './copy-applier.ts';
import type { LocalWrites } from './local-writes.ts';
import type { Source } from './source.ts';

/** Rows of a copy that a commit takes in while clients write: a few milliseconds of work. */
const busyCopyRows = 100;

export interface PacedApplierOptions {
  readonly applier: Applier;
  readonly copyApplier: CopyApplier;
  readonly localWrites: LocalWrites;
  readonly run: <T>(body: (commit: Commit) => T) => Promise<T>;
}

/** Applies what peers publish in commits no larger than {@link LocalWrites} allows. */
export class PacedApplier {
  readonly #options: PacedApplierOptions;

  constructor(options: PacedApplierOptions) {
    this.#options = options;
  }

  async apply(source: Source, items: readonly ChannelItem[]): Promise<ApplyResult> {
    return this.#options.localWrites.whileApplying(async () => this.#apply(source, items));
  }

  /** Each is a transaction over several channels; why not even the first of them was applied, if so. */
  async applyTogether(transactions: readonly (readonly TransactionPart[])[]): Promise<Together> {
    return this.#options.localWrites.whileApplying(async () => this.#applyTogether(transactions));
  }

  async applyCopy(source: Source, page: CopyPage): Promise<ApplyResult> {
    return this.#options.localWrites.whileApplying(async () => this.#applyCopy(source, page));
  }

  async #apply(source: Source, items: readonly ChannelItem[]): Promise<ApplyResult> {
    const { applier, localWrites, run } = this.#options;
    let transactions = 0;
    let changes = 0;
    for (let begin = 0; ;) {
      const { taken, ...step } = await run((commit) =>
        applier.apply(commit, source, items.slice(begin), localWrites.commitLimit()),
      );
      begin += taken;
      transactions += step.transactions;
      changes += step.changes;
      if (step.stop || begin >= items.length) return { ...step, transactions, changes };
    }
  }

  async #applyTogether(transactions: readonly (readonly TransactionPart[])[]): Promise<Together> {
    const { applier, localWrites, run } = this.#options;
    for (let begin = 0; begin < transactions.length;) {
      const { applied, outcome } = await run((commit) => {
        const isEnough = localWrites.commitLimit();
        let count = 0;
        for (const parts of transactions.slice(begin)) {
          if (count > 0 && isEnough()) break;
          const became = applier.applyTogether(commit, parts);
          if (became !== 'applied') return { applied: count, outcome: became };
          count += 1;
        }
        return { applied: count, outcome: 'applied' as const };
      });
      if (applied === 0) return begin > 0 ? 'applied' : outcome;
      begin += applied;
    }
    return 'applied';
  }

  async #applyCopy(source: Source, page: CopyPage): Promise<ApplyResult> {
    const { copyApplier, localWrites, run } = this.#options;
    let changes = 0;
    for (let left = page; ;) {
      const most = localWrites.areRecent ? busyCopyRows : page.rows.length;
      const rows = left.rows.slice(0, Math.ceil(most / localWrites.applying));
      const isWhole = rows.length === left.rows.length;
      const part = isWhole
        ? left
        : { ...left, rows, block: undefined, lastKey: rows.at(-1)?.key, isLast: false };
      const step = await run((commit) => copyApplier.apply(commit, source, part));
      changes += step.changes;
      if (step.stop || isWhole) return { ...step, changes };
      left = { ...left, rows: left.rows.slice(rows.length), block: undefined };
    }
  }
}
