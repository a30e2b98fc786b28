// A bridge that only counts: each time it is asked to wake, it tells how often that was, and of how many commits it was told.
let committed = 0;
let wakes = 0;
process.on('message', ({ kind }) => {
  if (kind === 'committed') committed += 1;
  if (kind !== 'wake') return;
  wakes += 1;
  process.send({ kind: 'failed', reason: `${wakes} ${committed}` });
});
