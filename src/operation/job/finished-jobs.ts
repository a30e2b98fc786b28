import type { JobTimes } from './job-row.ts';

const maxAgeMs = 30 * 24 * 60 * 60_000;
const maxCount = 10_000;

/** Which jobs are forgotten: those that ended long ago, and of more than there is room for the oldest. */
export function forgottenJobs(oldestFirst: readonly JobTimes[], nowMs: number): readonly string[] {
  const finished = oldestFirst.filter(({ status }) => status === 'COMPLETE' || status === 'ERROR');
  const tooMany = finished.length - maxCount;
  return finished
    .filter((row, index) => index < tooMany || (row.end_datetime ?? row.created_datetime) <= nowMs - maxAgeMs)
    .map(({ id }) => id);
}
