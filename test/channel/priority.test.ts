import { describe, expect, test } from 'vitest';
import { makeTable, tableOf } from '../store/test-store.ts';
import { rowOf } from './direct-session.ts';
import { Outage } from './outage.ts';
import { connect, keysOf, Replica } from './replica.ts';

describe.each(['pull', 'push'] as const)('after an outage, by %s', (way) => {
  test('a backlog of higher priority is applied as one run, behind no more than one answer of a lower one', async () => {
    await using outage = await Outage.of({ raw: 1, alert: 9 }, way);
    await outage.write('raw', 1_500);
    await outage.write('alert', 400);

    await outage.heal('raw', 'alert');

    const { order } = outage;
    expect(order.filter((name) => name === 'alert')).toHaveLength(400);
    expect(order.filter((name) => name === 'raw')).toHaveLength(1_500);
    expect(outage.mostAtOnce('alert')).toBeLessThan(400 / 2);
    const before = order.slice(0, order.lastIndexOf('alert')).filter((name) => name === 'raw');
    expect(before.length).toBeLessThanOrEqual(outage.mostAtOnce('raw'));
  });

  test('backlogs of one priority go on side by side', async () => {
    await using outage = await Outage.of({ raw: 5, alert: 5 }, way);
    await outage.write('raw', 800);
    await outage.write('alert', 800);

    await outage.heal('raw', 'alert');

    const { order } = outage;
    const before = order.slice(0, order.lastIndexOf('alert')).filter((name) => name === 'raw');
    expect(before.length).toBeGreaterThan(800 - 3 * outage.mostAtOnce('raw'));
  });

  test('a transaction over a channel of high and one of low priority does not wait for the backlog of a third', async () => {
    await using outage = await Outage.of({ low: 0, high: 9, other: 9 }, way);
    const { a, b } = outage;
    await outage.write('low', 300);
    await outage.write('other', 3_000);
    const parts = ['high', 'low'].map((name) => tableOf(a.store, name));
    await a.store.transact(
      parts.map((table) => ({ table, operation: 'insert' as const, documents: [{ id: 'both' }] })),
      undefined,
    );

    await outage.heal('low', 'high', 'other');

    const { order } = outage;
    const together = order.findIndex((names) => names.includes('+'));
    expect(order[together]?.split('+').toSorted()).toEqual(['high', 'low']);
    expect(order.filter((names) => names.includes('high'))).toHaveLength(1);
    const before = order.slice(0, together).filter((name) => name === 'other');
    expect(before.length).toBeLessThan(3_000 / 2);
    expect(keysOf(b, 'high')).toEqual(['both']);
  });
});

test('both ends of a link hold the priority that one of them was told, and one that was told later wins', async () => {
  await using a = await Replica.open('a');
  await using b = await Replica.open('b');
  await makeTable(a.store);
  const told = (replica: Replica, peer: Replica): (number | undefined)[] =>
    rowOf(replica, peer).subscriptions.map(({ priority }) => priority);

  await connect(a, b, { publish: true, subscribe: true, priority: 9 });
  expect([told(a, b), told(b, a)]).toEqual([[9], [9]]);
  await connect(b, a, { publish: true, subscribe: true, priority: 2 });
  expect([told(a, b), told(b, a)]).toEqual([[2], [2]]);
  await connect(a, b);

  expect([told(a, b), told(b, a)]).toEqual([[undefined], [undefined]]);
});
