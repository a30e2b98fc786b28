import type { Endurance } from '../model/endurance.ts';
import type { ChangeLog } from './change-log.ts';
import { measureGrowth, type LogGrowth } from './log-growth.ts';

export interface EnduranceOptions {
  readonly log: ChangeLog;
  /** The log is trimmed by these. */
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly now: () => number;
}

const shortPart = 0.25;
const shortMs = 48 * 3_600_000;
const dayMs = 86_400_000;
/** Growth hardly changes within this time, and is asked for by every subscription of every peer. */
const growthValidMs = 1_000;

/** Says how long the log lasts, by its limits, its own growth and what it holds. */
export class EnduranceGauge {
  readonly #options: EnduranceOptions;
  #growth: { readonly atMs: number; readonly value: LogGrowth } | undefined;

  constructor(options: EnduranceOptions) {
    this.#options = options;
  }

  /** Of a subscriber that lacks nothing: until what is committed next is trimmed. */
  get fullMs(): number {
    return this.#lasts(0, 0);
  }

  /** Part of `maxBytes` that the log takes. */
  get fill(): number {
    const { log, maxBytes } = this.#options;
    return log.totals().logBytes / maxBytes;
  }

  of(tableId: number, confirmedSeq: number): Endurance {
    const { log, now } = this.#options;
    const { headSeq, trimmedSeq, channelBytes } = log.head(tableId);
    const oldestSeq = Math.max(confirmedSeq, trimmedSeq) + 1;
    const oldest = log.place(tableId, oldestSeq);
    const isOvertaken = confirmedSeq < trimmedSeq;
    const committedAtMs = log.committedAt(tableId, oldestSeq);
    const ageMs = committedAtMs === undefined ? 0 : Math.max(0, now() - committedAtMs);
    const { appendedBytes, logBytes } = log.totals();
    // What is left of an entry whose other channels were purged is smaller than it was: this errs to the short side.
    const bytesFrom = oldest ? Math.min(logBytes, appendedBytes - (oldest.before?.log ?? 0)) : 0;
    const mayStayAwayMs = isOvertaken ? 0 : this.#lasts(ageMs, bytesFrom);
    return {
      waiting: {
        transactions: Math.max(0, headSeq - confirmedSeq),
        bytes: oldest ? oldest.before && channelBytes - oldest.before.channel : 0,
      },
      growthBytesPerDay: this.#measured.channelBytesPerDay(tableId),
      mayStayAwayMs,
      state: isOvertaken ? 'overtaken' : oldest && this.#isShort(mayStayAwayMs) ? 'short' : 'enough',
    };
  }

  #isShort(mayStayAwayMs: number): boolean {
    const { fullMs } = this;
    return mayStayAwayMs < fullMs * shortPart || (fullMs >= shortMs && mayStayAwayMs < shortMs);
  }

  /** How long an entry stays, by its age and by the bytes of the log from it on. */
  #lasts(ageMs: number, bytes: number): number {
    const { maxAgeMs, maxBytes } = this.#options;
    const { bytesPerDay } = this.#measured;
    const byAge = maxAgeMs - ageMs;
    if (byAge <= 0 || bytes >= maxBytes) return 0;
    const bySize = bytesPerDay > 0 ? ((maxBytes - bytes) / bytesPerDay) * dayMs : Infinity;
    return Math.round(Math.min(byAge, bySize));
  }

  get #measured(): LogGrowth {
    const nowMs = this.#options.now();
    if (!this.#growth || Math.abs(nowMs - this.#growth.atMs) >= growthValidMs)
      this.#growth = { atMs: nowMs, value: measureGrowth(this.#options.log, nowMs) };
    return this.#growth.value;
  }
}
