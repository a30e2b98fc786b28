import { vi } from 'vitest';
import { makeTable, tableOf } from '../store/test-store.ts';
import type { DirectLink } from './direct-link.ts';
import { connect, keysOf, Replica } from './replica.ts';
import { SessionPair, type Way } from './session-pair.ts';

const text = 'x'.repeat(100);

/** Two nodes after an outage: what `a` publishes, `b` takes over its own link, or `a` brings over its own. */
export class Outage implements AsyncDisposable {
  readonly a: Replica;
  readonly b: Replica;
  readonly #sessions: SessionPair;

  private constructor(a: Replica, b: Replica, way: Way, maxBatchBytes: number) {
    this.a = a;
    this.b = b;
    this.#sessions = new SessionPair({ publisher: a, subscriber: b, way, maxBatchBytes });
  }

  get link(): DirectLink {
    return this.#sessions.link;
  }

  /** Tables that `b` has taken in from `a` so far, with their priorities. */
  static async of(
    priorities: Readonly<Record<string, number>>,
    way: Way,
    maxBatchBytes = 16 << 10,
  ): Promise<Outage> {
    const a = await Replica.open('a');
    const b = await Replica.open('b');
    for (const [name, priority] of Object.entries(priorities)) {
      await makeTable(a.store, name);
      await connect(a, b, { publish: true, subscribe: false, priority }, [name]);
      await b.follow(a, name);
    }
    return new Outage(a, b, way, maxBatchBytes);
  }

  /** Rows written at `a`, one transaction each, with ids from `first`. */
  async write(table: string, count: number, first = 0): Promise<void> {
    const { store } = this.a;
    await Promise.all(
      Array.from({ length: count }, async (_, index) =>
        store.write({
          table: tableOf(store, table),
          operation: 'insert',
          documents: [{ id: first + index, text }],
        }),
      ),
    );
  }

  /** The link is back; resolves when `b` holds the keys that `a` holds. */
  async heal(...tables: readonly string[]): Promise<void> {
    const { a, b } = this;
    await this.#sessions.heal();
    await vi.waitFor(
      () => {
        const missing = tables.filter((table) => keysOf(b, table).length < keysOf(a, table).length);
        if (missing.length > 0) throw new Error(`b does not hold all of ${missing.join(', ')} yet`);
      },
      { timeout: 15_000, interval: 20 },
    );
  }

  /** The link is down. */
  cut(): void {
    this.#sessions.cut();
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

  /** Transactions of a table in each answer that brought some, after the first so many answers of all. */
  counts(table: string, after = 0): number[] {
    const { incarnation } = tableOf(this.a.store, table);
    return this.link.carried
      .slice(after)
      .flatMap((answer) =>
        answer.kind === 'items' && answer.identity.incarnation === incarnation && answer.items.length > 0
          ? [answer.items.length]
          : [],
      );
  }

  /** Most transactions of a table that one answer brought. */
  mostAtOnce(table: string): number {
    return Math.max(...this.counts(table));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sessions[Symbol.asyncDispose]();
    await this.a[Symbol.asyncDispose]();
    await this.b[Symbol.asyncDispose]();
  }
}
