import type { ChangeLog } from './change-log.ts';

export interface LogGrowth {
  /** Bytes per day of the whole log. */
  readonly bytesPerDay: number;
  /** Bytes per day of the changes of one channel; undefined where the log still holds entries that were not measured. */
  readonly channelBytesPerDay: (tableId: number) => number | undefined;
}

const dayMs = 86_400_000;
/** A minute of a first load says nothing of a day. */
const minSpanMs = 3_600_000;

/**
 * How fast the log grows, by what it says itself: the last day of it, or all of it when it is younger, as if it were
 * an hour old at least. So a restart forgets nothing, and a rhythm of day and night does not show.
 */
export function measureGrowth(log: ChangeLog, nowMs: number): LogGrowth {
  const { position: head, appendedBytes, logBytes } = log.totals();
  const oldest = log.from(0);
  if (!oldest) return { bytesPerDay: 0, channelBytesPerDay: () => 0 };
  // A clock that was set back leaves entries of the future: they are as new as can be.
  const isRecent = (position: number): boolean =>
    (log.from(position)?.committedAtMs ?? Infinity) >= nowMs - dayMs;
  const first = firstThat(isRecent, oldest.position, head + 1);
  const begin = log.from(first);
  if (!begin) return { bytesPerDay: 0, channelBytesPerDay: () => 0 };
  const spanMs =
    first > oldest.position ? dayMs : Math.min(dayMs, Math.max(minSpanMs, nowMs - begin.committedAtMs));
  const perDay = (bytes: number): number => (Math.max(0, bytes) * dayMs) / spanMs;
  const [part] = begin.parts;
  const before = part && log.place(part.tableId, part.seq)?.before;
  const measure = (tableId: number): number | undefined => {
    const { headSeq, trimmedSeq, channelBytes } = log.head(tableId);
    const isInSpan = (seq: number): boolean => (log.place(tableId, seq)?.position ?? Infinity) >= first;
    const seq = firstThat(isInSpan, trimmedSeq + 1, headSeq + 1);
    if (seq > headSeq) return 0;
    const channelBefore = log.place(tableId, seq)?.before;
    return channelBefore && perDay(channelBytes - channelBefore.channel);
  };
  const measured = new Map<number, number | undefined>();
  return {
    bytesPerDay: perDay(before ? appendedBytes - before.log : logBytes),
    channelBytesPerDay(tableId) {
      // Each subscriber of a channel asks for the same.
      if (!measured.has(tableId)) measured.set(tableId, measure(tableId));
      return measured.get(tableId);
    },
  };
}

/** The lowest number from `low` on for which the claim holds, by bisection; `high` when it holds for none below. */
function firstThat(holds: (number: number) => boolean, low: number, high: number): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}
