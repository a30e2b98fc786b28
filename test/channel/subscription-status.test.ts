import { expect, test } from 'vitest';
import { openPair } from './replica-pair.ts';
import { greet, settle } from './replica.ts';
import { statusOf } from './status-of.ts';

test('a channel that is only published catches up until its subscriber has confirmed all of it', async () => {
  await using nodes = await openPair({}, { publish: true, subscribe: false });
  const { a, b } = nodes;
  await settle(a, b);
  expect(statusOf(a, b)).toMatchObject({ state: 'idle', unconfirmed: 0 });

  await a.upsert({ id: 1 });

  expect(statusOf(a, b)).toMatchObject({ state: 'catching-up', unconfirmed: 1 });
  const silence = 'b is not heard';
  expect(statusOf(a, b, { silence, hello: undefined })).toMatchObject({ state: 'waiting', reason: silence });
  await settle(a, b);
  expect(statusOf(a, b)).toMatchObject({ state: 'idle', unconfirmed: 0 });
});

test('the publisher says that the table was dropped at the subscriber, and what takes it up again', async () => {
  await using nodes = await openPair({}, { publish: true, subscribe: false });
  const { a, b } = nodes;
  await a.upsert({ id: 1 });
  await settle(a, b);

  await b.store.catalog.dropTable('dev', 'dog');

  const hello = { ...b.hello(a), stopped: ['dev:dog'] };
  expect(statusOf(a, b, { hello })).toMatchObject({
    state: 'waiting',
    reason: 'the table was dropped at b: update_node there with this channel takes it up again',
  });
  await greet(a, b);
  expect(statusOf(b, a)).toMatchObject({
    state: 'stopped',
    reason: 'the table was dropped here: update_node here with this channel takes it up again',
  });
});
