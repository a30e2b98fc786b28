import { figure } from '../figure.mjs';
import { sleep } from '../rate.mjs';

/** @param {import('../contender.mjs').Contender} contender */
export async function idleMemory(contender) {
  await sleep(contender.ms(5_000));
  return [figure('M', 'idle node, sum of PSS', contender.system.idleMiB(), 'MiB')];
}
