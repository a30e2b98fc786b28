import { expect, it } from 'vitest';
import { Closer } from '../../src/runtime/closer.ts';

it('closes everything in reverse order, one after the other', async () => {
  const events: string[] = [];
  const closer = new Closer();
  closer.own('store', { [Symbol.dispose]: () => void events.push('store') });
  closer.own('loop', {
    [Symbol.asyncDispose]: async () => {
      events.push('loop begins');
      await new Promise(setImmediate);
      events.push('loop ended');
    },
  });
  closer.defer('server', () => void events.push('server'));

  await closer[Symbol.asyncDispose]();

  expect(events).toEqual(['server', 'loop begins', 'loop ended', 'store']);
});

it('attempts every close and gathers the failures', async () => {
  const events: string[] = [];
  const closer = new Closer();
  closer.defer('first', () => void events.push('first'));
  closer.defer('second', () => {
    throw new Error('thrown');
  });
  closer.defer('third', () => Promise.reject(new Error('rejected')));

  const error: unknown = await closer[Symbol.asyncDispose]().catch((reason: unknown) => reason);

  expect(events).toEqual(['first']);
  expect(error).toBeInstanceOf(AggregateError);
  expect(error).toMatchObject({
    message: 'Could not close third; Could not close second',
    errors: [{ cause: { message: 'rejected' } }, { cause: { message: 'thrown' } }],
  });
});

it('closes once, however often it is asked', async () => {
  let count = 0;
  const closer = new Closer();
  closer.defer('it', () => void (count += 1));

  await Promise.all([closer[Symbol.asyncDispose](), closer[Symbol.asyncDispose]()]);

  expect(count).toBe(1);
  expect(() => closer.defer('late', () => {})).toThrow('Cannot own late: the closer is closed');
});

it('returns what it owns', async () => {
  await using closer = new Closer();
  const resource = { [Symbol.dispose]: () => {}, name: 'it' };

  expect(closer.own('it', resource)).toBe(resource);
});
