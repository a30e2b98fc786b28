/**
 * Calls `end` when somebody wants this program to end, at the first of it: a second Ctrl-C must not leave half behind.
 *
 * @param {(status: number) => void} end
 */
export function onInterrupt(end) {
  let isEnding = false;
  const endOnce = (/** @type {number} */ status) => {
    if (isEnding) return;
    isEnding = true;
    end(status);
  };
  process.on('SIGINT', () => endOnce(130));
  process.on('SIGTERM', () => endOnce(143));
  process.on('SIGHUP', () => endOnce(129));
  // Whoever reads the output has gone.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => endOnce(1));
}
