import { expect, test } from 'vitest';
import type { ChannelResponse } from '../../src/channel/protocol.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';
import { documentsOf, makeTable } from '../store/test-store.ts';
import { openPair } from './replica-pair.ts';
import { connect, expectSame, keysOf, Replica, settle } from './replica.ts';
import { tamper } from './tamper.ts';

const maxBatchBytes = 1_000;
const text = (length: number): string =>
  Array.from({ length }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');

const bytesOf = (response: ChannelResponse): number =>
  response.kind === 'page' || response.kind === 'rows' ? response.rows.length : 0;

/** Asks on until the answer is not a part of a page any more; what was carried. */
async function followCopy(subscriber: Replica, publisher: Replica): Promise<number[]> {
  const exchanges = await subscriber.follow(publisher);
  return exchanges.map(({ response }) => bytesOf(response)).filter((bytes) => bytes > 0);
}

test('a record that is larger than an answer is copied in parts', async () => {
  await using nodes = await openPair({ maxBatchBytes });
  const { a, b } = nodes;
  await a.upsert({ id: 1, text: text(900) }, { id: 2, text: text(10_000) }, { id: 3, text: text(900) });

  const carried = await followCopy(b, a);

  expect(Math.max(...carried)).toBeLessThanOrEqual(2 * maxBatchBytes);
  expect(carried.length).toBeGreaterThanOrEqual(10);
  await settle(a, b);
  expectSame(a, b);
  expect(documentsOf(b.store).map(({ text: held }) => (held as string).length)).toEqual([900, 10_000, 900]);
});

test('a record that changes faster than its parts arrive comes all the same, and is in the end as it is then', async () => {
  await using nodes = await openPair({ maxBatchBytes });
  const { a, b } = nodes;
  await a.upsert({ id: 1, text: text(10_000) });
  await b.step(a);
  let rounds = 0;
  while (b.cursor(a)?.copy) {
    await a.upsert({ id: 1, text: text(10_000), rounds });
    await b.step(a);
    rounds += 1;
    expect(rounds).toBeLessThan(50);
  }
  expect(rounds).toBeGreaterThan(5);

  await followCopy(b, a);

  expect(documentsOf(b.store)).toMatchObject([{ id: 1, text: text(10_000), rounds: rounds - 1 }]);
  await settle(a, b);
  expectSame(a, b);
});

test('a comparison repairs records that are larger than an answer, and more of them than fit into one', async () => {
  await using nodes = await openPair({ maxBatchBytes });
  const { a, b } = nodes;
  const keys = [1, 2, 3, 4, 5, 6];
  await a.upsert(...keys.map((id) => ({ id, text: text(id === 4 ? 10_000 : 600) })));
  await settle(a, b);
  const { id: table } = b.table;
  await tamper(b, (rows) => keys.forEach((key) => rows.removeSync([table, key])));
  expect(keysOf(b)).toEqual([]);
  void b.receiver(a).verifier.request();
  await settle(a, b);

  expect(b.receiver(a).verifier.last).toMatchObject({ repaired: keys, repairedCount: 6, onlyHere: 0 });
  expectSame(a, b);
});

test('a page of records with long keys is no larger than other pages', async () => {
  await using nodes = await openPair({ maxBatchBytes: 10_000 });
  const { a, b } = nodes;
  await a.upsert(...Array.from({ length: 50 }, (_, id) => ({ id: `${id} ${text(800)}` })));

  const carried = await followCopy(b, a);

  expect(Math.max(...carried)).toBeLessThanOrEqual(10_000);
  expectSame(a, b);
});

test('who has received some parts of a record begins again where the publisher does not know them any more', async () => {
  await using nodes = await openPair({ maxBatchBytes });
  const { a, b } = nodes;
  await a.upsert({ id: 1, text: text(10_000) });
  for (let step = 0; step < 4; step += 1) await b.step(a);
  await a.restart();

  await followCopy(b, a);

  expect(documentsOf(b.store)).toMatchObject([{ id: 1, text: text(10_000) }]);
});

test('a node that commits less at a time takes what another has committed, copied and followed', async () => {
  await using a = await Replica.open('a', { maxBatchBytes });
  await using b = await Replica.open('b', { maxBatchBytes, maxTransactionBytes: 1_000 });
  await makeTable(a.store);
  await connect(a, b);
  await a.upsert({ id: 1, text: text(50_000) });
  await settle(a, b);

  await a.upsert({ id: 2, text: text(50_000) });
  await settle(a, b);

  expect(keysOf(b)).toEqual([1, 2]);
  expect(quarantinedAt(b.store)).toEqual([]);
  expectSame(a, b);
});
