import { expect, test } from 'vitest';
import { atOnce, inTurns, withPauses } from '../../src/runtime/pauses.ts';

/** Items, each of which takes so many milliseconds to read; those of a name that begins with - are not there. */
function readOf(names: string, msEach: number): { readonly items: Iterable<{ name: string } | undefined> } {
  let nowMs = 0;
  const items = function* (): Generator<{ name: string } | undefined> {
    for (const name of names) {
      nowMs += msEach;
      yield name === '-' ? undefined : { name };
    }
  };
  return { items: withPauses(items(), () => nowMs) };
}

const told = (items: Iterable<{ name: string } | undefined>): string =>
  Array.from(items, (item) => item?.name ?? '|').join('');

test('there is a pause for every few milliseconds, also where nothing is found, and none in less', () => {
  expect(told(readOf('abcd', 2).items)).toBe('ab|cd');
  expect(told(readOf('a-------------------b', 1).items)).toBe('a||||b');
  expect(told(readOf('abcd', 1).items)).toBe('abcd');
});

test('who reads at once sees no pauses', () => {
  expect(told(atOnce(readOf('ab-cd', 5).items))).toBe('abcd');
});

test('everybody else has a turn at each pause, and at no other place', async () => {
  const seen: string[] = [];
  const next = (): void => {
    seen.push('turn');
    if (seen.length < 20) setImmediate(next);
  };
  setImmediate(next);

  for await (const { name } of inTurns([{ name: 'a' }, { name: 'b' }, undefined, { name: 'c' }]))
    seen.push(name);

  expect(seen.slice(0, 4)).toEqual(['a', 'b', 'turn', 'c']);
});
