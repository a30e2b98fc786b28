import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkInTime } from '../check-in-time.ts';
import type { Key } from '../../src/model/change.ts';
import { deletePolicies } from '../../src/model/node.ts';
import { documentsOf, maintain, makeTable, rowsOf, tableOf, withoutTimes } from '../store/test-store.ts';
import {
  openDeleting,
  decide,
  shown,
  tagged,
  expectIndexed,
  archived,
  differences,
  rex,
} from './deleting-pair.ts';
import type { Pair } from './replica-pair.ts';
import { both, connect, expectSame, greet, Replica, settle, sourceOf } from './replica.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';

/** Each way in which a delete of rex at a comes to b. */
const ways: Record<string, (nodes: Pair) => Promise<void>> = {
  async 'the channel'({ a, b }) {
    await a.delete('rex');
    await settle(a, b);
  },

  async 'a transaction over two channels'({ a, b }) {
    await makeTable(a.store, 'cat');
    await connect(a, b, both, ['cat']);
    await settle(a, b);
    await b.follow(a, 'cat');
    await a.store.transact(
      [
        { table: a.table, keys: ['rex'] },
        { table: tableOf(a.store, 'cat'), operation: 'upsert', documents: [{ id: 'tom' }] },
      ],
      undefined,
    );
    await Promise.all([b.follow(a), b.follow(a, 'cat')]);
    await settle(a, b);
    expect(documentsOf(b.store, tableOf(b.store, 'cat'))).toEqual([{ id: 'tom' }]);
  },

  async 'a copy'({ a, b }) {
    await a.delete('rex');
    await b.store.putCursor(a.store.identity.storeId, b.table, undefined);
    b.receiver(a).restart();
    const kinds = (await b.follow(a)).map(({ request }) => request.kind);
    expect(kinds).toContain('copy');
    await settle(a, b);
  },

  async 'a repair'({ a, b }) {
    await a.delete('rex');
    const source = sourceOf(a, b);
    expect((await b.store.comparison.repair(source, rowsOf(a.store))).won).toBe(1);
    await settle(a, b);
  },

  async 'a release from quarantine'({ a, b }) {
    a.pass(600_000);
    await a.delete('rex');
    await settle(a, b);
    expect(quarantinedAt(b.store)).toHaveLength(1);
    expect(rowsOf(b.store)[0]?.bytes).not.toBeNull();
    b.pass(600_000);
    await b.restart();
    await maintain(b.store);
    expect(quarantinedAt(b.store)).toEqual([]);
    await settle(a, b);
  },
};

const cases = deletePolicies.flatMap((policy) => Object.keys(ways).map((way) => ({ policy, way })));

describe.each(cases)('a delete that comes by $way, on_delete: $policy', ({ policy, way }) => {
  test('does what the policy says, and replication sees a delete', async () => {
    await using nodes = await openDeleting(policy);
    const { a, b } = nodes;
    await a.upsert(rex, { id: 'fido', tag: 'brown' });
    await settle(a, b);
    const before = b.store.get(b.table, 'rex');
    expect(before).toMatchObject(rex);
    const [row] = rowsOf(b.store).filter(({ key }) => key === 'rex');

    await ways[way]?.(nodes);

    expect(b.store.get(b.table, 'rex')).toEqual(policy === 'ignore' ? before : undefined);
    expect(tagged(b, 'brown')).toEqual(policy === 'ignore' ? ['fido', 'rex'] : ['fido']);
    await expectIndexed(b);
    expectSame(a, b);
    const deletion = rowsOf(a.store).find(({ key }) => key === 'rex');
    expect(deletion?.bytes).toBeNull();
    expect(await differences(nodes)).toBe(0);
    const kept = archived(b);
    expect(kept.map(withoutTimes)).toEqual(
      policy === 'archive'
        ? [
            {
              id: kept[0]?.['id'],
              schema: 'dev',
              table: 'dog',
              hash_value: 'rex',
              record: before,
              version: row?.version,
              origin: 'a',
              store_id: a.store.identity.storeId,
              deleted_version: deletion?.version,
              deleted_by: 'a',
              deleted_by_store_id: a.store.identity.storeId,
              archived_at: kept[0]?.['archived_at'],
            },
          ]
        : [],
    );
  });
});

test.each([
  { first: 'a', isShown: true },
  { first: 'c', isShown: false },
] as const)(
  'of two subscriptions that bring one delete the first decides: $first',
  async ({ first, isShown }) => {
    await using nodes = await openDeleting('ignore');
    const { a, b } = nodes;
    await using c = await Replica.open('c');
    await connect(a, c);
    await connect(b, c);
    await a.upsert(rex);
    await settle(a, b, c);
    await a.delete('rex');
    await c.follow(a);

    await b.follow(first === 'a' ? a : c);
    b.pass(1_000);
    await b.follow(first === 'a' ? a : c);
    expect(rowsOf(b.store)).toMatchObject([{ bytes: null }]);
    expect(shown(b).has('rex')).toBe(isShown);
    await settle(a, b, c);

    expect(shown(b).has('rex')).toBe(isShown);
    expectSame(a, b, c);
  },
);

test('a delete that is made here is neither ignored nor archived', async () => {
  await using nodes = await openDeleting('archive');
  const { a, b } = nodes;
  await a.upsert(rex);
  await settle(a, b);

  await b.delete('rex');
  await settle(a, b);

  expect(shown(b).size).toBe(0);
  expect(archived(b)).toEqual([]);
});

test('a record nearly as large as a transaction may be is archived all the same', async () => {
  await using a = await Replica.open('a', { maxTransactionBytes: 2_000 });
  await using b = await Replica.open('b', { maxTransactionBytes: 2_000 });
  await makeTable(a.store);
  await connect(a, b);
  await decide(b, 'a', 'archive');
  const large = { id: 'rex', text: 'x'.repeat(1_900) };
  await a.upsert(large);
  await settle(a, b);

  await a.delete('rex');
  await settle(a, b);

  expect(archived(b)).toMatchObject([{ record: large }]);
});

test('the policy is the decision of its own node: the other end never hears it and cannot end it', async () => {
  await using nodes = await openDeleting('ignore');
  const { a, b } = nodes;
  await greet(a, b);

  expect(JSON.stringify(b.hello(a))).not.toContain('ignore');
  expect(a.store.nodes.get('b')?.subscriptions[0]?.onDelete).toBeUndefined();
  await connect(a, b, { publish: true, subscribe: false });

  expect(b.store.nodes.get('a')?.subscriptions).toMatchObject([
    { publish: false, subscribe: true, onDelete: 'ignore' },
  ]);
});

const key = fc.nat(3);
const tag = fc.constantFrom('brown', 'white');
const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('insert' as const, 'upsert' as const), atA: fc.boolean(), key, tag }),
  fc.record({ kind: fc.constant('delete' as const), atA: fc.boolean(), key }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function perform({ a, b }: Pair, done: Step): Promise<void> {
  const { store, table } = done.atA ? a : b;
  if (done.kind === 'delete') await store.delete({ table, keys: [done.key] });
  else await store.write({ table, operation: done.kind, documents: [{ id: done.key, tag: done.tag }] });
}

test('whatever both sides do in turn, on_delete: ignore shows what a list of the rules says', async () => {
  await checkInTime(
    fc.array(step, { minLength: 5, maxLength: 20 }),
    { numRuns: 15, leastRuns: 4, limitMs: 6_000 },
    async (steps) => {
      await using nodes = await openDeleting('ignore');
      const { a, b } = nodes;
      const expected = { a: new Map<Key, string>(), b: new Map<Key, string>() };
      for (const done of steps) {
        await perform(nodes, done);
        await settle(a, b);
        const here = done.atA ? expected.a : expected.b;
        if (done.kind === 'delete') {
          if (here.delete(done.key) && !done.atA) expected.a.delete(done.key);
        } else if (done.kind === 'upsert' || !here.has(done.key)) {
          expected.a.set(done.key, done.tag);
          expected.b.set(done.key, done.tag);
        }

        for (const [replica, tags] of [
          [a, expected.a],
          [b, expected.b],
        ] as const)
          expect(new Map([...shown(replica)].map(([id, document]) => [id, document['tag']]))).toEqual(tags);
        await expectIndexed(b);
        expectSame(a, b);
      }
    },
  );
});

test('whatever happens on both sides at once, every policy leaves both the same, and indexes equal to a scan', async () => {
  const moves = fc.array(fc.oneof({ weight: 3, arbitrary: step }, fc.constant('follow' as const)), {
    minLength: 5,
    maxLength: 25,
  });
  await checkInTime(
    fc.tuple(fc.constantFrom(...deletePolicies), moves),
    { numRuns: 20, leastRuns: 4, limitMs: 6_000 },
    async ([policy, done]) => {
      await using nodes = await openDeleting(policy);
      const { a, b } = nodes;
      for (const move of done) {
        if (move === 'follow') await b.follow(a);
        else await perform(nodes, move);
        await expectIndexed(b);
      }
      await settle(a, b);

      expectSame(a, b);
      await expectIndexed(b);
      expect(await differences(nodes)).toBe(0);
    },
  );
});
