import { expect, test } from 'vitest';
import { runOperation } from '../../src/operation/run-operation.ts';
import { localUser } from '../../src/operation/user/user.ts';
import { maintain, makeTable, tableOf, TestStore, upsert } from '../store/test-store.ts';
import { openServices } from './open-services.ts';

test('an index that is built while another request is refused holds every record', async () => {
  await using t = await TestStore.open({ maxTransactionBytes: 10_000 });
  const { store } = t;
  await using opened = await openServices(store);
  const context = { ...opened.services, user: localUser };
  await makeTable(store);
  for (let first = 0; first < 2_500; first += 50)
    await upsert(
      store,
      ...Array.from({ length: 50 }, (_, id) => ({ id: first + id, name: `rex ${id % 50}` })),
    );
  await store.catalog.wantIndex(tableOf(store), 'name');

  const step = store.maintenance.step();
  const refused = runOperation(context, {
    operation: 'insert',
    schema: 'dev',
    table: 'dog',
    records: [{ id: 'large', name: 'x'.repeat(20_000) }],
  });
  await expect(refused).rejects.toThrow('send fewer records at a time');
  await step;
  await maintain(store);

  const where = {
    operator: 'and',
    conditions: [{ attribute: 'name', comparator: 'equals', value: 'rex 7' }],
  } as const;
  expect(store.plan(tableOf(store), { where })).toMatchObject({ index: 'name' });
  expect([...store.search(tableOf(store), { where })]).toHaveLength(50);
});
