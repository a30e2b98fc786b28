import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkInTime } from '../check-in-time.ts';
import type { Change, Key } from '../../src/model/change.ts';
import { decodeChanges, openFrame } from '../../src/model/transaction-codec.ts';
import { maintain, makeTable, rowsOf } from '../store/test-store.ts';
import {
  connect,
  expectSame,
  expectSameRecords,
  greet,
  isNewer,
  Replica,
  settle,
  type Exchange,
} from './replica.ts';

const names = ['a', 'b', 'c'] as const;
const node = (count: number) => fc.nat(count - 1);
const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Key>(0, 1, '1') },
  { weight: 1, arbitrary: fc.nat(9) },
);

/** What happens to `count` nodes: their writes and whatever may befall the exchange between them. */
const steps = (count: number) =>
  fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('write' as const),
          at: node(count),
          operation: fc.constantFrom('insert' as const, 'update' as const, 'upsert' as const),
          keys: fc.array(key, { minLength: 1, maxLength: 3 }),
          attribute: fc.constantFrom('x', 'y'),
          value: fc.nat(99),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('delete' as const),
          at: node(count),
          keys: fc.array(key, { maxLength: 2 }),
        }),
      },
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constant('exchange' as const),
          at: node(count),
          with: node(count),
          /** lost: the answer does not arrive; twice: it arrives again. */
          fate: fc.constantFrom('arrives', 'arrives', 'arrives', 'lost', 'twice'),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), at: node(count) }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('cut' as const), at: node(count), with: node(count) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('join' as const), at: node(count), with: node(count) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('purge' as const), at: node(count), keep: fc.nat(3) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), at: node(count) }) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('clock' as const),
          at: node(count),
          ms: fc.integer({ min: -50, max: 50 }),
        }),
      },
    ),
    { minLength: 5, maxLength: 45, size: 'max' },
  );
type Step = ReturnType<typeof steps> extends fc.Arbitrary<readonly (infer S)[]> ? S : never;

/** Nodes of a mesh and everything that they have acknowledged. */
class History implements AsyncDisposable {
  readonly replicas: readonly Replica[];
  readonly acknowledged: Change[] = [];
  readonly #isHasty: boolean;

  private constructor(replicas: readonly Replica[], isHasty: boolean) {
    this.replicas = replicas;
    this.#isHasty = isHasty;
  }

  /** In a hasty one deletes are forgotten whoever has not heard of them. */
  static async begin(count: number, maxBatchBytes: number, isHasty = false): Promise<History> {
    const options = { maxBatchBytes, tombstoneRetentionMs: 0, ...(isHasty ? { tombstoneMaxMs: 0 } : {}) };
    const replicas = await Promise.all(
      names.slice(0, count).map(async (name) => Replica.open(name, options)),
    );
    for (const replica of replicas) await makeTable(replica.store);
    for (const [index, first] of replicas.entries())
      for (const second of replicas.slice(index + 1)) await connect(first, second);
    return new History(replicas, isHasty);
  }

  at(index: number): Replica {
    const replica = this.replicas[index];
    if (!replica) throw new Error(`There is no node ${index}`);
    return replica;
  }

  async run(step: Step): Promise<void> {
    const replica = this.at(step.at);
    switch (step.kind) {
      case 'write': {
        const documents = step.keys.map((id) => ({ id, [step.attribute]: step.value, by: replica.name }));
        const { version } = await replica.store.write({
          table: replica.table,
          operation: step.operation,
          documents,
        });
        if (version > 0) this.#acknowledge(replica);
        return;
      }
      case 'delete': {
        const { deleted } = await replica.store.delete({ table: replica.table, keys: step.keys });
        if (deleted.length > 0) this.#acknowledge(replica);
        return;
      }
      case 'exchange': {
        const other = this.at(step.with);
        if (other === replica || replica.cut.has(other.name)) return;
        const { response } = await replica.ask(other);
        const times = step.fate === 'lost' ? 0 : step.fate === 'twice' ? 2 : 1;
        for (let time = 0; time < times; time += 1) await replica.receiver(other).accept(response);
        return;
      }
      case 'restart':
        await replica.restart();
        return;
      case 'cut':
      case 'join': {
        const other = this.at(step.with);
        for (const [one, two] of [
          [replica, other],
          [other, replica],
        ] as const)
          if (step.kind === 'cut') one.cut.add(two.name);
          else one.cut.delete(two.name);
        return;
      }
      case 'purge':
        await replica.store.purgeChannel(replica.table, { keep: step.keep });
        return;
      case 'forget':
        await this.#forget(replica);
        return;
      case 'clock':
        replica.pass(step.ms);
        return;
    }
  }

  /** Everything that a node may forget of deletes goes, once it knows how far all others are. */
  async #forget(replica: Replica): Promise<void> {
    const others = this.replicas.filter((other) => other !== replica);
    // For all alike: confirmations are written down every ten seconds.
    for (const each of this.replicas) each.pass(10_001);
    for (const other of others) {
      if (replica.cut.has(other.name)) continue;
      await other.follow(replica);
      await other.compare(replica);
      await greet(replica, other);
    }
    const isKnown =
      replica.store.confirmed.all(replica.table.id).length === others.length &&
      others.every((other) => !other.cursor(replica)?.copy && !other.cursor(replica)?.unproven);
    if (!isKnown && !this.#isHasty) return;
    await maintain(replica.store);
  }

  /** The highest (version, origin) of all acknowledged writes to each key. */
  winners(): Map<Key, Change> {
    const winners = new Map<Key, Change>();
    for (const change of this.acknowledged) {
      const best = winners.get(change.key);
      if (!best || isNewer(change, best)) winners.set(change.key, change);
    }
    return winners;
  }

  /** Cursors that say more than the data of whoever holds them. */
  cursorsAheadOfData(): string[] {
    return this.replicas.flatMap((subscriber) =>
      this.replicas.flatMap((publisher) => (subscriber === publisher ? [] : missing(subscriber, publisher))),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const replica of this.replicas) await replica[Symbol.asyncDispose]();
  }

  #acknowledge(replica: Replica): void {
    const { table, store } = replica;
    const { headSeq } = store.log.head(table.id);
    for (const { entry } of store.log.readChannel(table.id, headSeq - 1))
      for (const part of entry.parts) this.acknowledged.push(...decodeChanges(part.changes));
  }
}

/** Transactions up to the cursor that the subscriber does not hold. */
function missing(subscriber: Replica, publisher: Replica): string[] {
  const cursor = subscriber.cursor(publisher);
  // Until it is compared, a copy that the log overtook says that it lacks something.
  if (!cursor || cursor.copy || cursor.unproven?.overtaken) return [];
  const { table, store } = publisher;
  const rows = new Map(rowsOf(subscriber.store).map((row) => [row.key, row]));
  const found: string[] = [];
  for (const { seq, entry } of store.log.readChannel(table.id, store.log.head(table.id).trimmedSeq)) {
    if (seq > cursor.seq) break;
    const changes = entry.parts.flatMap((part) => decodeChanges(part.changes));
    const isHeld = changes.every((change) => {
      const row = rows.get(change.key);
      if (!row) return change.version <= subscriber.store.tombstones.deletedBefore(subscriber.table.id);
      return !isNewer(change, row);
    });
    if (!isHeld || (seq === cursor.seq && entry.header.id !== cursor.id))
      found.push(`${subscriber.name} lacks ${seq} of ${publisher.name}`);
  }
  return found;
}

async function converge(history: History): Promise<void> {
  for (const replica of history.replicas) replica.cut.clear();
  for (const first of history.replicas)
    for (const second of history.replicas) if (first !== second) await greet(first, second);
  await settle(...history.replicas);
  // Twice: what one has put right, another may have to hear of.
  for (let round = 0; round < 2; round += 1) {
    for (const subscriber of history.replicas)
      for (const publisher of history.replicas)
        if (subscriber !== publisher) await subscriber.verify(publisher);
    await settle(...history.replicas);
  }
}

/** Comparable. */
function setOf(rows: readonly Change[]): Set<string> {
  return new Set(rows.map(({ key: id, version, bytes }) => JSON.stringify([id, version, bytes])));
}

function isLive({ bytes }: Change): boolean {
  return bytes !== null;
}

describe.each([2, 3])(
  'whatever is written at %i nodes, exchanged, lost, repeated, cut, trimmed and restarted',
  (count) => {
    const runs = { numRuns: count === 2 ? 12 : 20, leastRuns: 4, limitMs: 6_000 };

    test('all nodes come to hold the same bytes, and each key the highest acknowledged write', async () => {
      await checkInTime(
        fc.tuple(steps(count), fc.constantFrom(150, 1_000, 1 << 20)),
        runs,
        async ([list, maxBatchBytes]) => {
          await using history = await History.begin(count, maxBatchBytes);
          for (const step of list) {
            await history.run(step);
            if (step.kind === 'exchange' || step.kind === 'restart')
              expect(history.cursorsAheadOfData()).toEqual([]);
          }

          await converge(history);

          // A copy that a purge overtook may lack tombstones, and forgetting is to have none.
          const isWhole = list.every(({ kind }) => kind !== 'purge' && kind !== 'forget');
          const winners = [...history.winners().values()];
          if (isWhole) expectSame(...history.replicas);
          expectSameRecords(...history.replicas);
          expect(history.cursorsAheadOfData()).toEqual([]);
          const held = rowsOf(history.at(0).store);
          if (isWhole) expect(setOf(held)).toEqual(setOf(winners));
          expect(setOf(held.filter(isLive))).toEqual(setOf(winners.filter(isLive)));
          for (const replica of history.replicas) {
            const rows = rowsOf(replica.store);
            const records = rows.filter(isLive).length;
            expect(replica.store.statistics(replica.table)).toMatchObject({
              records,
              tombstones: rows.length - records,
            });
          }
        },
      );
    });

    test('also where deletes are forgotten too early no write that won is lost, and all hold the same', async () => {
      await checkInTime(
        fc.tuple(steps(count), fc.constantFrom(150, 1_000)),
        runs,
        async ([list, maxBatchBytes]) => {
          await using history = await History.begin(count, maxBatchBytes, true);
          for (const step of list) await history.run(step);

          await converge(history);

          expectSameRecords(...history.replicas);
          const held = setOf(rowsOf(history.at(0).store).filter(isLive));
          const acknowledged = setOf(history.acknowledged);
          for (const row of held) expect(acknowledged).toContain(row);
          for (const row of setOf([...history.winners().values()].filter(isLive)))
            expect(held).toContain(row);
        },
      );
    });
  },
);

test('applying any stretch again changes nothing, not even the log', async () => {
  await checkInTime(
    fc.tuple(
      steps(3).map((list) => list.filter(({ kind }) => kind !== 'purge')),
      fc.nat(),
    ),
    { numRuns: 8, leastRuns: 3, limitMs: 5_000 },
    async ([list, cutAt]) => {
      await using history = await History.begin(3, 500);
      const heard: { subscriber: Replica; publisher: Replica; exchange: Exchange }[] = [];
      for (const step of list) {
        await history.run(step);
        if (step.kind === 'exchange') {
          const [subscriber, publisher] = [history.at(step.at), history.at(step.with)];
          if (subscriber !== publisher)
            heard.push({ subscriber, publisher, exchange: await subscriber.ask(publisher) });
        }
      }
      await converge(history);
      const before = await Promise.all(history.replicas.map(async (replica) => replica.dump()));

      // Everything that was ever answered once more, and each channel from its first transaction.
      for (const { subscriber, publisher, exchange } of heard.slice(0, (cutAt % 20) + 1)) {
        const { response } = exchange;
        if (response.kind !== 'items') continue;
        const source = {
          peer: publisher.name,
          table: subscriber.table,
          ...response.identity,
          newerThan: 0,
        };
        await subscriber.store.apply(source, response.items.map(openFrame));
        expect(publisher.store.identity.storeId).toBe(response.identity.storeId);
      }
      for (const subscriber of history.replicas)
        for (const publisher of history.replicas) {
          const cursor = subscriber === publisher ? undefined : subscriber.cursor(publisher);
          if (!cursor) continue;
          const { storeId } = publisher.store.identity;
          await subscriber.store.putCursor(storeId, subscriber.table, { ...cursor, seq: 0, id: '' });
          await subscriber.follow(publisher);
        }

      const after = await Promise.all(history.replicas.map(async (replica) => replica.dump()));
      expect(after).toEqual(before);
    },
  );
});
