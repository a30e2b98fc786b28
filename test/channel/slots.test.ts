import { expect, test } from 'vitest';
import { Slots } from '../../src/channel/slots.ts';

test('no more are held at a time than there are, and who waits has its turn in order', async () => {
  const slots = new Slots(2);
  const begun: number[] = [];
  const held = [1, 2, 3, 4].map(async (number) => {
    const slot = await slots.take();
    begun.push(number);
    return slot;
  });
  await Promise.all(held.slice(0, 2));
  expect(begun).toEqual([1, 2]);

  const first = await held[0];
  first?.[Symbol.dispose]();
  first?.[Symbol.dispose]();
  await held[2];
  expect(begun).toEqual([1, 2, 3]);

  (await held[1])?.[Symbol.dispose]();
  await held[3];
  expect(begun).toEqual([1, 2, 3, 4]);
});
