import { pino } from 'pino';
import { expect, test } from 'vitest';
import { ChangeFeed } from '../../../src/http/changes/change-feed.ts';
import type { Table } from '../../../src/model/table.ts';
import { openServer, type TestServer } from '../open-server.ts';

const rows = 5_000;
const text = 'x'.repeat(5_000);

test('a large transaction is read once, not again for each of its pieces', { timeout: 60_000 }, async () => {
  await using t = await openServer();
  await write(t, 'many', 50);
  await write(t, 'one', rows);

  const many = await costOf(t, 'many');
  const one = await costOf(t, 'one');

  expect(one.pieces).toBeGreaterThan(50);
  expect([one.events, many.events]).toEqual([rows, rows]);
  expect(one.cpuMs).toBeLessThan(3 * many.cpuMs);
});

/** So many rows, in transactions of `atOnce`. */
async function write(t: TestServer, name: string, atOnce: number): Promise<void> {
  await t.post({ operation: 'create_table', schema: 'dev', table: name, primary_key: 'id' });
  const table = tableOf(t, name);
  for (let from = 0; from < rows; from += atOnce) {
    const documents = Array.from({ length: atOnce }, (_, index) => ({ id: from + index, text }));
    await t.store.write({ table, operation: 'insert', documents });
  }
}

function tableOf(t: TestServer, name: string): Table {
  const table = t.store.catalog.table('dev', name);
  if (!table) throw new Error(`There is no table ${name}`);
  return table;
}

async function costOf(
  t: TestServer,
  name: string,
): Promise<{ readonly pieces: number; readonly events: number; readonly cpuMs: number }> {
  await using feed = new ChangeFeed({ store: t.store, log: pino({ level: 'silent' }) });
  const table = tableOf(t, name);
  const before = process.cpuUsage();
  let place = { seq: 0, left: 0, transactionId: '' };
  let [pieces, events] = [0, 0];
  for (;;) {
    const piece = feed.after({ table, attributes: undefined }, place);
    if (!piece) break;
    place = piece.after;
    pieces += 1;
    events += piece.text.split('\n\n').length - 1;
  }
  const used = process.cpuUsage(before);
  return { pieces, events, cpuMs: (used.user + used.system) / 1_000 };
}
