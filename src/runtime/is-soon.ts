import { setTimeout as pause } from 'node:timers/promises';

const lookMs = 10;

/** Looks again and again: whether it is so within the time. */
export async function isSoon(isSo: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() >= deadlineMs) return false;
    await pause(lookMs);
  }
  return true;
}
