import { plural, rateFigure, suffix } from '../figure.mjs';

/** @param {import('../contender.mjs').Contender} contender */
export async function batches(contender) {
  const figures = [];
  for (const { connections, isIndexed } of [
    { connections: 1, isIndexed: true },
    { connections: 4, isIndexed: true },
    { connections: 1, isIndexed: false },
  ]) {
    const table = `batches_${connections}${isIndexed ? '' : '_plain'}`;
    await contender.system.createTable(table, { isIndexed, isReplicated: false });
    const rate = await contender.measureWrites(table, { connections }, contender.ms(4_000));
    await contender.expectAtPublisher(table);
    const name = `batches of 1,000, ${plural(connections, 'connection')}${suffix(isIndexed)}`;
    figures.push(rateFigure('S2', name, rate));
  }
  return figures;
}
