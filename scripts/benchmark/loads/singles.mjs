import { plural, rateFigure, suffix } from '../figure.mjs';
import { warmUpMs } from '../rate.mjs';

/** @param {import('../contender.mjs').Contender} contender */
export async function singles(contender) {
  const figures = [];
  for (const { connections, isIndexed } of [
    { connections: 1, isIndexed: true },
    { connections: 16, isIndexed: true },
    { connections: 64, isIndexed: true },
    { connections: 64, isIndexed: false },
  ]) {
    const table = `singles_${connections}${isIndexed ? '' : '_plain'}`;
    await contender.system.createTable(table, { isIndexed, isReplicated: false });
    const windowMs = contender.ms(5_000);
    const rate = await contender.system.singles({ table, connections, warmUpMs, windowMs });
    const name = `single inserts, ${plural(connections, 'connection')}${suffix(isIndexed)}`;
    figures.push(rateFigure('S1', name, rate));
  }
  return figures;
}
