import { setImmediate as nextTurn } from 'node:timers/promises';

/** Items, and undefined where whoever reads them should let everybody else have a turn. Read once. */
export type Pausing<T extends object> = Iterable<T | undefined>;

const turnMs = 5;

/**
 * The items, with a pause whenever reading has taken a few milliseconds.
 *
 * @param items undefined for a step that has found nothing
 */
export function* withPauses<T extends object>(
  items: Iterable<T | undefined>,
  steadyMs: () => number = () => performance.now(),
): Generator<T | undefined, void, undefined> {
  let begunAtMs = steadyMs();
  for (const item of items) {
    if (steadyMs() - begunAtMs >= turnMs) {
      yield undefined;
      begunAtMs = steadyMs();
    }
    if (item !== undefined) yield item;
  }
}

/** The items alone, for what is short or may keep everybody waiting. */
export function* atOnce<T extends object>(items: Pausing<T>): Generator<T, void, undefined> {
  for (const item of items) if (item !== undefined) yield item;
}

/** The items alone; everybody else has a turn at each pause. */
export async function* inTurns<T extends object>(items: Pausing<T>): AsyncGenerator<T, void, undefined> {
  for (const item of items)
    if (item === undefined) await nextTurn();
    else yield item;
}
