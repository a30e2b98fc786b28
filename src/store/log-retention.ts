import type { ChangeLog, LogEntry } from './change-log.ts';
import type { Commit } from './commit.ts';
import type { Confirmation, Confirmed } from './confirmed.ts';
import type { EnduranceGauge } from './endurance.ts';
import type { LocalWrites } from './local-writes.ts';

export interface LogRetentionOptions {
  readonly log: ChangeLog;
  readonly confirmed: Confirmed;
  readonly endurance: EnduranceGauge;
  readonly localWrites: LocalWrites;
  readonly run: <T>(body: (commit: Commit) => T) => Promise<T>;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  /** So long before its entries go a subscriber is told of in `cluster_status`. */
  readonly noticeMs: number;
  readonly now: () => number;
}

const watchAgainMs = 10_000;

/**
 * Trims the change log, and never drops what a current subscriber lacks unannounced: a subscriber that may be
 * overtaken is warned of first, and the warning and its moment are kept with what it has confirmed. Until the
 * notice has passed the log may go over its limits; then the limits win, so that a peer that never returns
 * cannot fill the disk.
 */
export class LogRetention {
  readonly #options: LogRetentionOptions;
  #watchedAtMs = -Infinity;

  constructor(options: LogRetentionOptions) {
    this.#options = options;
  }

  /** One short commit or two; true when there is more to do at once. */
  async step(): Promise<boolean> {
    const { log, maxAgeMs, maxBytes, localWrites, now, run } = this.#options;
    const olderThanMs = now() - maxAgeMs;
    const isDue = log.isOver(olderThanMs, maxBytes);
    if (isDue || Math.abs(now() - this.#watchedAtMs) >= watchAgainMs) await this.#watch();
    const oldest = isDue ? log.from(0) : undefined;
    if (!oldest || !this.#gate()(oldest)) return false;
    const trimmed = await run((commit) =>
      log.trimOldest(commit, {
        olderThanMs,
        maxBytes,
        isEnough: localWrites.stepLimit(),
        mayDrop: this.#gate(),
      }),
    );
    return trimmed > 0;
  }

  /** Warns of every subscriber that the log will not wait for much longer, and takes back what is over. */
  async #watch(): Promise<void> {
    const { confirmed, endurance, run, now } = this.#options;
    this.#watchedAtMs = now();
    const isShort = ({ tableId, seq }: Confirmation): boolean =>
      endurance.of(tableId, seq).state !== 'enough';
    const isNews = (known: Confirmation): boolean => isShort(known) !== (known.warnedAtMs !== undefined);
    const news = confirmed.all().filter(isNews);
    if (news.length === 0) return;
    await run((commit) => {
      for (const { peer, tableId } of news) {
        const known = confirmed.get(peer, tableId);
        if (known && isNews(known)) confirmed.warn(commit, known, isShort(known));
      }
    });
  }

  /** Whether an entry may go, as of now: every subscriber has it, is past serving, or has been warned of. */
  #gate(): (entry: LogEntry) => boolean {
    const limits = new Map<number, number>();
    return ({ parts }) =>
      parts.every(({ tableId, seq }) => {
        const limit = limits.get(tableId) ?? this.#confirmedByAll(tableId);
        limits.set(tableId, limit);
        return seq <= limit;
      });
  }

  #confirmedByAll(tableId: number): number {
    const { log, confirmed, noticeMs, now } = this.#options;
    const { trimmedSeq } = log.head(tableId);
    const waitedFor = confirmed
      .all(tableId)
      .filter(
        ({ seq, warnedAtMs }) =>
          seq >= trimmedSeq && (warnedAtMs === undefined || Math.abs(now() - warnedAtMs) < noticeMs),
      );
    return Math.min(...waitedFor.map(({ seq }) => seq));
  }
}
