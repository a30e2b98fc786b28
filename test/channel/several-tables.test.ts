import { describe, expect, test, vi } from 'vitest';
import { PartGate } from '../../src/channel/part-gate.ts';
import type { WholeItem } from '../../src/model/transaction.ts';
import { openFrame } from '../../src/model/transaction-codec.ts';
import { makeTable, tableOf } from '../store/test-store.ts';
import { openTables, transact } from './replica-pair.ts';
import { keysOf } from './replica.ts';

describe('a transaction over two tables', () => {
  test('applies in one commit and is one entry of the log', async () => {
    await using nodes = await openTables();
    const { a, b } = nodes;
    await transact(a, 'both');

    await b.step(a, 'dog');
    expect(keysOf(b, 'dog')).toEqual([]);
    await Promise.all([b.step(a, 'dog'), b.step(a, 'cat')]);

    expect(keysOf(b, 'dog')).toEqual(['both']);
    expect(keysOf(b, 'cat')).toEqual(['both']);
    const [dog, cat] = ['dog', 'cat'].map((name) => [
      ...b.store.log.readChannel(tableOf(b.store, name).id, 0),
    ]);
    expect(dog?.at(-1)?.entry.position).toBe(cat?.at(-1)?.entry.position);
  });

  test('applies although its parts never come at the same time: over a slow link one takes longer than the other waits', async () => {
    await using nodes = await openTables();
    const { a, b } = nodes;
    await transact(a, 'both');

    await b.step(a, 'dog');
    expect(keysOf(b, 'dog')).toEqual([]);
    await b.step(a, 'cat');

    expect(keysOf(b, 'dog')).toEqual(['both']);
    expect(keysOf(b, 'cat')).toEqual(['both']);
    await b.follow(a, 'dog');
    expect(b.store.cursors.get(a.store.identity.storeId, tableOf(b.store, 'dog').id)?.seq).toBe(1);
  });

  test('applies although the commit in which its parts meet fails once', async () => {
    await using nodes = await openTables();
    const { a, b } = nodes;
    await transact(a, 'both');
    const gate = new PartGate({
      store: b.store,
      followed: (channel) => ({
        storeId: a.store.identity.storeId,
        tableId: tableOf(b.store, channel.slice('dev:'.length)).id,
      }),
      waitMs: 50,
      isComing: () => true,
    });
    const failing = vi.spyOn(b.store, 'applyTogether').mockRejectedValueOnce(new Error('the disk is full'));
    const bring = async (name: string): Promise<void> => {
      const { state } = b.receiver(a, name);
      const { response } = await b.ask(a, name);
      if (state.kind !== 'following' || response.kind !== 'items') throw new Error(response.kind);
      const items = response.items.map((frame) => openFrame(frame));
      for (let asked = 0; asked < 20 && keysOf(b, name).length === 0; asked += 1)
        await gate.apply(`dev:${name}`, state.source, items).catch(() => undefined);
    };

    await Promise.all(['dog', 'cat'].map(bring));

    expect(failing).toHaveBeenCalledTimes(2);
    expect(keysOf(b, 'dog')).toEqual(['both']);
    expect(keysOf(b, 'cat')).toEqual(['both']);
  });

  test('a part that came before its channel was left is not applied with the others', async () => {
    await using nodes = await openTables();
    const { a, b } = nodes;
    await transact(a, 'both');
    await b.step(a, 'dog');

    await b.store.catalog.dropTable('dev', 'dog');
    await makeTable(b.store, 'dog');
    await b.step(a, 'cat');

    expect(keysOf(b, 'dog')).toEqual([]);
    expect(keysOf(b, 'cat')).toEqual(['both']);
  });

  test('does not come back to the node that made it, even when it asks for all bodies', async () => {
    await using nodes = await openTables();
    const { a, b } = nodes;
    await transact(a, 'both');
    await Promise.all([b.step(a, 'dog'), b.step(a, 'cat')]);
    for (const name of ['dog', 'cat']) await a.follow(b, name);
    await b.store.transact(
      ['dog', 'cat'].map((name) => ({
        table: tableOf(b.store, name),
        operation: 'upsert' as const,
        documents: [{ id: 'of b' }],
      })),
      undefined,
    );
    await Promise.all([a.step(b, 'dog'), a.step(b, 'cat')]);
    const before = await a.dump();

    for (const name of ['dog', 'cat']) {
      const { id } = tableOf(a.store, name);
      const { storeId } = b.store.identity;
      const cursor = a.store.cursors.get(storeId, id);
      if (!cursor) throw new Error(`a has no cursor of ${name}`);
      await a.store.putCursor(storeId, tableOf(a.store, name), { ...cursor, seq: 0, id: '' });
    }
    const whole = (name: string) => {
      const { store } = b;
      return [...store.log.readChannel(tableOf(store, name).id, 0)].map(({ seq, entry }) => {
        const part = entry.parts.find(({ tableId }) => tableId === tableOf(store, name).id);
        if (!part) throw new Error('no part');
        const item: WholeItem = {
          kind: 'whole',
          seq,
          header: entry.header,
          originPlace: part.originPlace,
          parts: ['dev:dog', 'dev:cat'].map((channel) => ({ channel, seq })),
          changes: part.changes,
        };
        const { incarnation } = tableOf(store, name);
        return {
          source: {
            table: tableOf(a.store, name),
            peer: store.nodeName,
            storeId: store.identity.storeId,
            incarnation,
            newerThan: 0,
          },
          item,
        };
      });
    };
    const [dogs, cats] = [whole('dog'), whole('cat')];
    for (const [index, dog] of dogs.entries()) {
      const cat = cats[index];
      if (cat) await a.store.applyTogether([[dog, cat]]);
    }

    expect(await a.dump()).toEqual(before);
  });
});
