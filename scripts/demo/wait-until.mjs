import { setTimeout as wait } from 'node:timers/promises';

const pollMs = 20;

/**
 * @template T
 * @param {string} what completes the sentence "Waited 10 s for ..."
 * @param {number} limitMs
 * @param {() => T | Promise<T>} condition
 * @returns {Promise<T>} the first answer that is true
 * @throws an Error that says what did not happen
 */
export async function waitUntil(what, limitMs, condition) {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (performance.now() > deadlineMs) throw new Error(`Waited ${limitMs / 1_000} s in vain for ${what}`);
    await wait(pollMs);
  }
}
