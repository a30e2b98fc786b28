import { performance } from 'node:perf_hooks';

const leastKibibytes = 64;
const windowMinutes = 10;

/**
 * The chunks of a source that keeps to a least speed. Only the time that the source takes counts, not that of its reader.
 * A source that brings nothing at all is not noticed.
 *
 * @param steadyMs a clock that nobody sets
 * @throws Error when the source has brought fewer than 64 KiB in 10 minutes
 */
export async function* atLeastSpeed(
  source: AsyncIterable<Buffer>,
  steadyMs: () => number = () => performance.now(),
): AsyncGenerator<Buffer, void, undefined> {
  let waitedMs = 0;
  let bytes = 0;
  let askedMs = steadyMs();
  for await (const chunk of source) {
    waitedMs += steadyMs() - askedMs;
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
