import { Packr } from 'msgpackr';
import { expect, test } from 'vitest';
import type { Change } from '../../src/model/change.ts';
import type { WholeItem } from '../../src/model/transaction.ts';
import { encodeChanges } from '../../src/model/transaction-codec.ts';
import { writeHeader } from '../store/write-header.ts';
import { openPair } from './replica-pair.ts';
import { settle, sourceOf } from './replica.ts';

const names = { constructor: 'x', toJSON: 'y' };
const plain = new Packr({ useRecords: false, variableMapSize: true });

test('a record with attributes that are called like methods is stored', async () => {
  await using nodes = await openPair();
  const { a } = nodes;

  await a.upsert({ id: 2, ...names });

  expect(a.store.get(a.table, 2)).toMatchObject(names);
});

test('one that a peer sends stops no channel where it is in conflict with what was written here', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await a.upsert({ id: 1 });
  await settle(a, b);
  const origin = { name: 'x', storeId: 'stranger' };
  const sent = (number: number): WholeItem => {
    const version = (a.nowMs + number) * 1_000;
    const bytes = plain.pack(new Map(Object.entries({ id: 2, ...names, number })));
    const change: Change = { key: 2, version, origin, base: null, bytes };
    return {
      kind: 'whole',
      seq: (b.cursor(a)?.seq ?? 0) + 1,
      header: writeHeader(`planted ${number} aaa`, origin, version),
      originPlace: { incarnation: 'there', seq: number },
      parts: [],
      changes: encodeChanges([change]),
    };
  };
  await b.store.apply(sourceOf(a, b), [sent(1)]);

  await b.store.apply(sourceOf(a, b), [sent(2)]);

  expect(b.cursor(a)?.seq).toBe(3);
});
