import { performance } from 'node:perf_hooks';

const leastKibibytes = 640;
const windowMinutes = 10;
const maxHours = 24;

/**
 * The chunks of a source that keeps to a least speed. Only the time that the source takes counts, not that of its reader;
 * both do for the day in which it has to be whole. A source that brings nothing at all is not noticed.
 *
 * @param steadyMs a clock that nobody sets
 * @throws Error when the source has brought fewer than 640 KiB in 10 minutes, or is not whole after 24 hours
 */
export async function* atLeastSpeed(
  source: AsyncIterable<Buffer>,
  steadyMs: () => number = () => performance.now(),
): AsyncGenerator<Buffer, void, undefined> {
  let waitedMs = 0;
  let bytes = 0;
  const beganMs = steadyMs();
  let askedMs = beganMs;
  for await (const chunk of source) {
    const nowMs = steadyMs();
    if (nowMs - beganMs > maxHours * 3_600_000) throw new Error(`it was not whole after ${maxHours} hours`);
    waitedMs += nowMs - askedMs;
    bytes += chunk.length;
    if (waitedMs >= windowMinutes * 60_000) {
      if (bytes < leastKibibytes * 1024)
        throw new Error(`it brought fewer than ${leastKibibytes} KiB in ${windowMinutes} minutes`);
      waitedMs = 0;
      bytes = 0;
    }
    yield chunk;
    askedMs = steadyMs();
  }
}
