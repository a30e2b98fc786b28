import { setTimeout as pause } from 'node:timers/promises';

/** What is waited for cannot happen any more. */
export class HopelessError extends Error {}

/**
 * Waits until the condition gives something other than undefined or false, and gives that.
 *
 * A condition that throws does not hold yet, and its last error is part of the message; a HopelessError ends the wait.
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
      if (error instanceof HopelessError) throw error;
      last = error;
    }
    if (performance.now() > deadlineMs)
      throw new Error(
        `waited ${limitMs / 1_000} s for ${what}${last === undefined ? '' : `: ${last instanceof Error ? last.message : JSON.stringify(last)}`}`,
        {
          cause: last,
        },
      );
    await pause(everyMs);
  }
}
