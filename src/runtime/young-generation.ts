import { setFlagsFromString } from 'node:v8';

/** On the command line: held from the first instruction on. */
export const heldYoungGeneration = '--semi-space-growth-factor=1';
const grownYoungGeneration = '--semi-space-growth-factor=2';

/**
 * Keeps the young generation of this process as small as it is. What a program loads at its start survives, which V8
 * takes for a reason to make room for more; from a process that is idle then, it does not take the room back.
 */
export function holdYoungGeneration(): void {
  setFlagsFromString(heldYoungGeneration);
}

/** Lets it double again, up to its limit, whenever much survives in it, as under load. */
export function releaseYoungGeneration(): void {
  setFlagsFromString(grownYoungGeneration);
}
