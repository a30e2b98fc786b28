import { afterEach, expect, test, vi } from 'vitest';
import { runOperation } from '../../src/operation/run-operation.ts';
import { Rows } from '../../src/operation/rows.ts';
import { localUser } from '../../src/operation/user/user.ts';
import { Store } from '../../src/store/store.ts';
import { makeTable, storeOptions, TestStore, upsert } from '../store/test-store.ts';
import { openServices } from './open-services.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('an operation sees what the other process has committed before it began', async () => {
  // Reads go on seeing what the first one saw until a timer runs out.
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  await using t = await TestStore.open();
  const table = await makeTable(t.store);
  await using bridge = await Store.open(storeOptions({ path: t.path, role: 'bridge' }));
  await using opened = await openServices(t.store);
  const before = t.store.get(table, 1);
  await upsert(bridge, { id: 1 });
  const meanwhile = t.store.get(table, 1);

  const answer = await runOperation(
    { ...opened.services, user: localUser },
    { operation: 'search_by_hash', schema: 'dev', table: 'dog', hash_values: [1], get_attributes: ['id'] },
  );

  expect([before, meanwhile]).toEqual([undefined, undefined]);
  expect(answer instanceof Rows ? [...answer] : answer).toEqual([{ id: 1 }]);
});
