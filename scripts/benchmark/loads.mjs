import { batches } from './loads/batches.mjs';
import { catchUp } from './loads/catch-up.mjs';
import { idleMemory } from './loads/idle-memory.mjs';
import { initialCopy } from './loads/initial-copy.mjs';
import { lag } from './loads/lag.mjs';
import { singles } from './loads/singles.mjs';
import { sustained } from './loads/sustained.mjs';

/**
 * @typedef {object} Load
 * @property {string} what
 * @property {'needed' | 'made'} [link] what it has to do with the subscription
 * @property {(contender: import('./contender.mjs').Contender) => Promise<import('./figure.mjs').Figure[]>} run
 */

/**
 * The loads in the order of a run, by the letter that `--only` takes.
 *
 * @type {Readonly<Record<string, Load>>}
 */
export const loads = {
  M: { what: 'memory of one idle node', run: idleMemory },
  S1: { what: 'single inserts', run: singles },
  S2: { what: 'batches of 1,000', run: batches },
  I: { what: 'initial copy', link: 'made', run: initialCopy },
  L: { what: 'lag', link: 'needed', run: lag },
  R: { what: 'sustained replication', link: 'needed', run: sustained },
  C: { what: 'catch-up after an outage', link: 'needed', run: catchUp },
};
