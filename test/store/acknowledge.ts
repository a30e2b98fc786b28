import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Store } from '../../src/store/store.ts';

// Run by `acknowledged-on-disk.test.ts` under strace: writes records one by one, and says of each when it is begun, when a
// reader first sees it, and when it is acknowledged.
const [path = '', count = '1'] = process.argv.slice(2);
const store = await Store.open({ path, nodeName: 'n1', role: 'api', mapSizeBytes: 2 ** 28 });
const table = await store.catalog.createTable({
  database: 'dev',
  name: 'dog',
  primaryKey: 'id',
  attributes: [],
});

async function seen(id: number): Promise<void> {
  while ([...store.search(table, {})].every((document) => document['id'] !== id)) {
    await pause(5);
    store.refresh();
  }
  writeSync(1, `seen ${id}\n`);
}

async function acknowledged(id: number): Promise<void> {
  writeSync(1, `begun ${id}\n`);
  await store.write({ table, operation: 'insert', documents: [{ id, text: 'x'.repeat(10_000) }] });
  writeSync(1, `acknowledged ${id}\n`);
}

for (let id = 1; id <= Number(count); id += 1) await Promise.all([acknowledged(id), seen(id)]);
await store[Symbol.asyncDispose]();
