import { expect, test } from 'vitest';
import type { Change } from '../../src/model/change.ts';
import type { WholeItem } from '../../src/model/transaction.ts';
import { encodeChanges, encodeDocument } from '../../src/model/transaction-codec.ts';
import { conflictsOf } from './conflicts.ts';
import { openPair } from './replica-pair.ts';
import { settle, sourceOf } from './replica.ts';
import { writeHeader } from '../store/write-header.ts';

test('two writes under one stamp are told, besides the conflict that they are', async () => {
  const told: string[] = [];
  await using nodes = await openPair({
    onSameStamp: ({ database, name }) => told.push(`${database}.${name}`),
  });
  const { a, b } = nodes;
  await a.upsert({ id: 1 });
  await settle(a, b);
  const origin = { name: 'x', storeId: 'restored' };
  const version = a.nowMs * 1_000;
  const written = (text: string, number: number): WholeItem => {
    const change: Change = { key: 2, version, origin, base: null, bytes: encodeDocument({ id: 2, text }) };
    return {
      kind: 'whole',
      seq: (b.cursor(a)?.seq ?? 0) + 1,
      header: writeHeader(`twice ${number}`, origin, version),
      originPlace: { incarnation: 'there', seq: number },
      parts: [],
      changes: encodeChanges([change]),
    };
  };
  const source = sourceOf(a, b);

  await b.store.apply(source, [written('one', 1)]);
  expect(told).toEqual([]);
  await b.store.apply(source, [written('other', 2)]);

  expect(conflictsOf(b)).toMatchObject([{ reason: 'same stamp', hash_value: 2 }]);
  expect(told).toEqual(['dev.dog']);
});
