import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @template T
 * @param {string} what completes the sentence "Waited 10 s in vain for ..."
 * @param {number} limitMs
 * @param {() => T | Promise<T>} condition
 * @param {number} [everyMs]
 * @returns {Promise<T>} the first answer that is true
 * @throws an Error that says what did not happen
 */
export async function waitUntil(what, limitMs, condition, everyMs = 20) {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (performance.now() > deadlineMs)
      throw new Error(`Waited ${Math.round(limitMs / 1_000)} s in vain for ${what}`);
    await sleep(everyMs);
  }
}
