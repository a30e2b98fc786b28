import { describe, expect, test, vi } from 'vitest';
import type { PeerSession } from '../../src/channel/peer-session.ts';
import { makeTable, tableOf } from '../store/test-store.ts';
import { DirectLink } from './direct-link.ts';
import { directSession, rowOf } from './direct-session.ts';
import { connect, keysOf, Replica } from './replica.ts';

const maxBatchBytes = 16 << 10;
const text = 'x'.repeat(100);

/** Two nodes after an outage: what `a` publishes, `b` takes over its own link, or `a` brings over its own. */
class Outage implements AsyncDisposable {
  readonly a: Replica;
  readonly b: Replica;
  readonly link: DirectLink;
  readonly #dialling: PeerSession<DirectLink>;
  readonly #answering: PeerSession<DirectLink>;

  private constructor(a: Replica, b: Replica, way: 'pull' | 'push') {
    this.a = a;
    this.b = b;
    const [near, far] = way === 'pull' ? [b, a] : [a, b];
    this.link = new DirectLink(near, far, () => this.#answering, maxBatchBytes);
    this.#dialling = directSession(near, far, this.link, maxBatchBytes);
    this.#answering = directSession(far, near, this.link, maxBatchBytes);
  }

  /** Tables that `b` has taken in from `a` so far, with their priorities. */
  static async of(priorities: Readonly<Record<string, number>>, way: 'pull' | 'push'): Promise<Outage> {
    const a = await Replica.open('a');
    const b = await Replica.open('b');
    for (const [name, priority] of Object.entries(priorities)) {
      await makeTable(a.store, name);
      await connect(a, b, { publish: true, subscribe: false, priority }, [name]);
      await b.follow(a, name);
    }
    return new Outage(a, b, way);
  }

  /** Rows written at `a`, one transaction each. */
  async write(table: string, count: number): Promise<void> {
    const { store } = this.a;
    await Promise.all(
      Array.from({ length: count }, async (_, id) =>
        store.write({ table: tableOf(store, table), operation: 'insert', documents: [{ id, text }] }),
      ),
    );
  }

  /** The link is back; resolves when `b` holds the keys that `a` holds. */
  async heal(...tables: readonly string[]): Promise<void> {
    const { a, b } = this;
    const [near, far] = this.link.self === a ? [a, b] : [b, a];
    this.link.isOpen = true;
    // Without an address there is no link of its own.
    await this.#answering.update(rowOf(far, near));
    await this.#dialling.update({ ...rowOf(near, far), host: 'there', port: 1 });
    await vi.waitFor(
      () => {
        const missing = tables.filter((table) => keysOf(b, table).length < keysOf(a, table).length);
        if (missing.length > 0) throw new Error(`b does not hold all of ${missing.join(', ')} yet`);
      },
      { timeout: 15_000, interval: 20 },
    );
  }

  /** Tables of each transaction that `b` has committed, in that order. */
  get order(): readonly string[] {
    const { store } = this.b;
    const names = new Map(store.catalog.tables('dev').map(({ id, name }) => [id, name]));
    const order: string[] = [];
    for (let position = 1; ; position += 1) {
      const entry = store.log.at(position);
      if (!entry) return order;
      order.push(entry.parts.map(({ tableId }) => names.get(tableId)).join('+'));
    }
  }

  /** Most transactions of a table that one answer brought. */
  mostAtOnce(table: string): number {
    const counts = this.link.carried.flatMap((answer) =>
      answer.kind === 'items' && answer.identity.incarnation === tableOf(this.a.store, table).incarnation
        ? [answer.items.length]
        : [],
    );
    return Math.max(...counts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dialling[Symbol.asyncDispose]();
    await this.#answering[Symbol.asyncDispose]();
    await this.a[Symbol.asyncDispose]();
    await this.b[Symbol.asyncDispose]();
  }
}

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
