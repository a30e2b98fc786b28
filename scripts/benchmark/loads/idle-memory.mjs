import { setTimeout as sleep } from 'node:timers/promises';
import { figure } from '../figure.mjs';

/** @param {import('../contender.mjs').Contender} contender */
export async function idleMemory(contender) {
  await sleep(contender.ms(5_000));
  return [figure('M', 'idle node, sum of PSS', contender.system.idleMiB(), 'MiB')];
}
