import { expect, test } from 'vitest';
import { encodeMessage } from '../../src/model/transaction-codec.ts';
import { openPair, records } from './replica-pair.ts';
import { expectSame, settle } from './replica.ts';
import { tamper } from './tamper.ts';

const copy = { id: 'c', afterKey: 1, rows: 1, total: 2, startedAtMs: 1, marks: [] };

test.each<[string, readonly unknown[]]>([
  ['a number of a transaction that is none', ['i', 1.5, 'id', null]],
  ['an id that is none', ['i', 1, 7, null]],
  ['a copy that is none', ['i', 1, 'id', 'copy']],
  ['a copy without its marks', ['i', 1, 'id', { ...copy, marks: undefined }]],
  ['a copy with marks that are none', ['i', 1, 'id', { ...copy, marks: [{ storeId: 's' }] }]],
  ['a copy at no key', ['i', 1, 'id', { ...copy, afterKey: {} }]],
  ['what is unproven without an id', ['i', 1, 'id', null, { hole: true }]],
  ['what is unproven with something else', ['i', 1, 'id', null, { id: 'u', overtaken: 7 }]],
  ['a start time that is none', ['i', 1, 'id', null, null, 'x']],
])('a place that has become %s is none: the channel begins anew', async (_, [, ...torn]) => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await a.upsert(...records(5));
  await settle(a, b);
  const { id: table } = b.table;
  const row = encodeMessage([a.table.incarnation, ...torn]);

  await tamper(b, (_records, { trees }) => trees.cursors.putSync([table, a.store.identity.storeId], row));
  expect(b.cursor(a)).toBeUndefined();
  await a.upsert({ id: 'later' });
  await settle(a, b);

  expectSame(a, b);
  expect(b.cursor(a)).toMatchObject({ incarnation: a.table.incarnation, copy: undefined });
});
