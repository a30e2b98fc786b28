import { expect, test } from 'vitest';
import { allUsers } from '../../src/operation/user/user.ts';
import { openContext, type TestContext } from './open-context.ts';
import { putQuickUser } from './quick-user.ts';

const system = (table: string): object => ({ schema: 'system', table });

/** One active super user, one who is not active, and one who is none. */
async function openUsers(): Promise<TestContext> {
  const t = await openContext();
  await putQuickUser(t.store, { username: 'admin', password: 'one', role: 'super_user' });
  await putQuickUser(t.store, { username: 'away', password: 'two', role: 'super_user' });
  await putQuickUser(t.store, { username: 'node', password: 'three', role: 'cluster_user' });
  await t.call({ operation: 'alter_user', username: 'away', active: false });
  return t;
}

const ways: readonly object[] = [
  { operation: 'drop_user', username: 'admin' },
  { operation: 'alter_user', username: 'admin', active: false },
  { operation: 'alter_user', username: 'admin', role: 'cluster_user' },
  { operation: 'alter_role', id: 'super_user', permission: { super_user: false } },
  { operation: 'delete', ...system('hdb_user'), ids: ['admin', 'node'] },
  { operation: 'delete', ...system('hdb_role'), ids: ['super_user'] },
  { operation: 'update', ...system('hdb_user'), records: [{ username: 'admin', active: false }] },
  { operation: 'upsert', ...system('hdb_user'), records: [{ username: 'admin', role: 'gone' }] },
  { operation: 'update', ...system('hdb_role'), records: [{ id: 'super_user', permission: {} }] },
  { operation: 'sql', sql: "DELETE FROM system.hdb_user WHERE username = 'admin'" },
  {
    operation: 'transaction',
    operations: [
      { operation: 'update', ...system('hdb_user'), records: [{ username: 'node', active: false }] },
      { operation: 'delete', ...system('hdb_user'), ids: ['admin'] },
    ],
  },
];

test.each(ways)('the last active super user stays, whatever is asked: %j', async (body) => {
  await using t = await openUsers();
  const before = allUsers(t.store);

  await expect(t.call(body)).rejects.toMatchObject({
    code: 'in_use',
    message: 'This would leave no active super user: add or activate another one, then try again',
  });

  expect(allUsers(t.store)).toEqual(before);
});

test.each(ways.filter((body) => !JSON.stringify(body).includes('hdb_role') && !('id' in body)))(
  'with another active super user it may go: %j',
  async (body) => {
    await using t = await openUsers();
    await t.call({ operation: 'alter_user', username: 'away', active: true });

    await t.call(body);

    const left = allUsers(t.store).filter(({ active, isSuperUser }) => active && isSuperUser);
    expect(left.map(({ username }) => username)).toEqual(['away']);
  },
);

test('of two super users who drop each other at once one stays', async () => {
  await using t = await openUsers();
  await t.call({ operation: 'alter_user', username: 'away', active: true });

  const ends = await Promise.allSettled(
    ['admin', 'away'].map((username) => t.call({ operation: 'drop_user', username })),
  );

  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(allUsers(t.store).filter(({ active, isSuperUser }) => active && isSuperUser)).toHaveLength(1);
});
