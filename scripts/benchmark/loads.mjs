import { batches } from './loads/batches.mjs';
import { catchUp } from './loads/catch-up.mjs';
import { fanOut } from './loads/fan-out.mjs';
import { growth } from './loads/growth.mjs';
import { idleMemory } from './loads/idle-memory.mjs';
import { initialCopy } from './loads/initial-copy.mjs';
import { lag } from './loads/lag.mjs';
import { searches } from './loads/searches.mjs';
import { singles } from './loads/singles.mjs';
import { sustained } from './loads/sustained.mjs';
import { wire } from './loads/wire.mjs';

/**
 * @typedef {object} Load
 * @property {string} what
 * @property {'needed' | 'made'} [link] what it has to do with the subscription
 * @property {(contender: import('./contender.mjs').Contender) => Promise<import('./figure.mjs').Figure[]>} run
 */

/** The parts of a node by themselves, without a contender: the letter, and what it is. */
export const rawLimits = { letter: 'X', what: 'disk, LMDB, nats-server and node:http by themselves' };

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
  W: { what: 'bytes on the wire', link: 'needed', run: wire },
  Q: { what: 'searches', run: searches },
  G: { what: 'growth of a table', link: 'needed', run: growth },
  // Last: its subscribers go on taking memory.
  F: { what: 'fan-out to several subscribers', run: fanOut },
};
