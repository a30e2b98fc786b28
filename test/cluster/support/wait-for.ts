import { setTimeout as pause } from 'node:timers/promises';

/**
 * Waits until the condition gives something other than undefined or false, and gives that.
 *
 * A condition that throws does not hold yet; its last error is part of the message.
 *
 * @param what completes the sentence "waited ... for"
 */
export async function waitFor<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  { limitMs = 20_000, everyMs = 50 }: { readonly limitMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const deadlineMs = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const result = await condition();
      if (result !== undefined && result !== false) return result;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadlineMs)
      throw new Error(`waited ${limitMs / 1_000} s for ${what}${last === undefined ? '' : `: ${String(last)}`}`, {
        cause: last,
      });
    await pause(everyMs);
  }
}
