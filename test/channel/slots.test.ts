import { expect, test } from 'vitest';
import { Slots } from '../../src/channel/slots.ts';

test('no more are held at a time than there are, and who waits has its turn in order', async () => {
  const slots = new Slots(2);
  const { signal } = new AbortController();
  const begun: number[] = [];
  const held = [1, 2, 3, 4].map(async (number) => {
    const slot = await slots.take(signal);
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

test('who gives up while it waits is told so, and keeps nobody waiting', async () => {
  const slots = new Slots(1);
  const { signal } = new AbortController();
  const impatient = new AbortController();
  const held = await slots.take(signal);
  const givenUp = slots.take(impatient.signal);
  const next = slots.take(signal);

  impatient.abort(new Error('ended'));
  await expect(givenUp).rejects.toThrow('ended');
  held[Symbol.dispose]();

  (await next)[Symbol.dispose]();
  await expect(slots.take(impatient.signal)).rejects.toThrow('ended');
});
