import { count, figure, round, shares } from '../figure.mjs';
import { lagMethod, measureLag } from '../measure-lag.mjs';

/** @param {import('../contender.mjs').Contender} contender */
export async function lag(contender) {
  const figures = [];
  for (const perSecond of [100, 500, 2_000])
    figures.push(
      ...(await lagFigures(contender, { load: 'L', name: 'lag', table: 'readings', perSecond, seconds: 8 })),
    );
  return figures;
}

/**
 * @param {import('../contender.mjs').Contender} contender
 * @param {{ load: string, name: string, table: string, perSecond: number, seconds: number }} options `seconds` at scale 1
 */
export async function lagFigures(contender, { load, name, table, perSecond, seconds }) {
  const { system } = contender;
  // One connection of ours takes 500 durable inserts per second on any disk that flushes within a millisecond.
  const connections = Math.max(1, perSecond / 125);
  const writers = await Promise.all(
    Array.from({ length: Math.ceil(connections) }, () => system.openWriter(table)),
  );
  const probe = await system.openProbe(table);
  try {
    const warmUpRows = perSecond;
    const rows = Math.max(200, Math.round((perSecond * contender.ms(seconds * 1_000)) / 1_000));
    const endUsage = contender.startUsage();
    const measured = await measureLag({
      writes: writers.map(
        ({ write }) =>
          (number) =>
            write(number, 1),
      ),
      has: probe.has,
      firstNumber: contender.take(table, warmUpRows + rows),
      perSecond,
      warmUpRows,
      rows,
    });
    const reached = round(measured.perSecond);
    const details = {
      reached_per_s: reached,
      connections: writers.length,
      lookup_p50_ms: round(measured.lookupP50Ms),
      samples: measured.samples,
      ...shares(endUsage(), warmUpRows + rows),
      ...(reached < 0.95 * perSecond
        ? { note: `took only ${count(reached)}/s of ${count(perSecond)}/s` }
        : {}),
      method: lagMethod,
    };
    const at = `${name} at ${count(perSecond)}/s`;
    return [
      figure(load, `${at}, p50`, measured.p50Ms, 'ms', {
        from_request_ms: round(measured.fromRequestP50Ms),
        ...details,
      }),
      figure(load, `${at}, p99`, measured.p99Ms, 'ms', {
        from_request_ms: round(measured.fromRequestP99Ms),
        ...details,
      }),
    ];
  } finally {
    for (const { close } of writers) close();
    probe.close();
  }
}
