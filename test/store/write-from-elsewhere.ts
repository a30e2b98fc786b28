import { Store } from '../../src/store/store.ts';

// Run by `processes.test.ts` as another process: writes so many records into the table dev.dog of a store.
const [path = '', count = '0'] = process.argv.slice(2);
const store = await Store.open({ path, nodeName: 'n1', role: 'bridge', mapSizeBytes: 2 ** 28 });
const table = store.catalog.table('dev', 'dog');
if (!table) throw new Error('There is no table dev.dog');
for (let id = 0; id < Number(count); id += 1)
  await store.write({
    table,
    operation: 'insert',
    documents: [{ id: `theirs ${id}`, theirs: true }],
    user: 'elsewhere',
  });
await store[Symbol.asyncDispose]();
