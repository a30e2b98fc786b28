const ends = new Set<() => void>();

function endAll(): void {
  for (const end of ends)
    try {
      end();
    } catch (error) {
      process.stderr.write(`${String(error)}\n`);
    }
  ends.clear();
}

process.once('exit', endAll);
// This is how the runner ends a worker, and a signal by itself calls no listener of `exit`.
process.once('SIGTERM', () => {
  endAll();
  process.kill(process.pid, 'SIGTERM');
});

/**
 * Has `end` called when the worker of a test file ends: a test that ran out of time never comes to its own end.
 *
 * @returns takes it back, once the test has come to its end
 */
export function atEndOfWorker(end: () => void): () => void {
  ends.add(end);
  return () => ends.delete(end);
}
