import { expect, test } from 'vitest';
import { clusterVerifier } from '../../src/channel/cluster-verifier.ts';
import { loadConfig, type Config } from '../../src/config/config.ts';
import { makeVerifier } from '../../src/model/scram.ts';
import { hashPassword, verifyPassword } from '../../src/operation/user/password.ts';
import { provideRoles, putUser } from '../../src/operation/user/put-user.ts';
import { findUser } from '../../src/operation/user/user.ts';
import { provideUsers } from '../../src/process/administrator.ts';
import { openContext, type TestContext } from './open-context.ts';
import { putQuickUser } from './quick-user.ts';

const bob = { operation: 'add_user', username: 'bob', password: 'secret', role: 'super_user', active: true };

async function openWithBob(): Promise<TestContext> {
  const t = await openContext();
  await putQuickUser(t.store, { username: 'bob', password: 'secret', role: 'super_user' });
  return t;
}

test('a user is added with the role of that name and its password hashed', async () => {
  await using t = await openContext();
  await provideRoles(t.store);

  expect(await t.call(bob)).toEqual({ message: 'bob successfully added' });

  const stored = findUser(t.store, 'bob') ?? expect.fail('no user');
  expect(stored.user).toMatchObject({ username: 'bob', active: true, isSuperUser: true });
  expect(await verifyPassword('secret', stored.passwordHash)).toBe(true);
});

test.each([
  [{ ...bob }, 'already_exists', 'User bob already exists'],
  [{ ...bob, username: 'eve', role: 'xyz' }, 'not_found', 'xyz role not found'],
  [{ ...bob, username: undefined }, 'invalid_request', "'username' is required"],
  [{ ...bob, username: 'a:b' }, 'invalid_request', "'username' cannot include colons or control characters"],
  [{ ...bob, username: 'eve', password: '' }, 'invalid_request', "'password' is not allowed to be empty"],
  [{ ...bob, username: 'eve', active: 'yes' }, 'invalid_request', "'active' must be a boolean"],
])('%j is refused as %s: %s', async (body, code, message) => {
  await using t = await openWithBob();
  const before = await t.call({ operation: 'list_users' });

  await expect(t.call(body)).rejects.toMatchObject({ code, message });

  expect(await t.call({ operation: 'list_users' })).toEqual(before);
});

test('two roles of one name, which only rows can make, give no user either of them', async () => {
  await using t = await openWithBob();
  const twins = ['a', 'b'].map((id) => ({ id, role: 'twin', permission: {} }));
  await t.call({ operation: 'insert', schema: 'system', table: 'hdb_role', records: twins });

  await expect(t.call({ ...bob, username: 'eve', role: 'twin' })).rejects.toMatchObject({
    code: 'already_exists',
    message: "Multiple twin roles found.  Roles must have unique 'role' value. Please update and try again.",
  });
});

test('alter_user changes what it names and nothing else', async () => {
  await using t = await openWithBob();
  await putQuickUser(t.store, { username: 'admin', password: 'x', role: 'super_user' });

  expect(await t.call({ operation: 'alter_user', username: 'bob', password: 'other' })).toEqual({
    message: 'updated 1 of 1 records',
    new_attributes: [],
    txn_time: expect.any(Number),
    update_hashes: ['bob'],
    skipped_hashes: [],
  });
  await t.call({ operation: 'alter_user', username: 'bob', active: false });
  await t.call({ operation: 'alter_user', username: 'bob', role: 'cluster_user' });

  const stored = findUser(t.store, 'bob') ?? expect.fail('no user');
  expect(stored.user).toMatchObject({ active: false, isSuperUser: false, role: { id: 'cluster_user' } });
  expect(await verifyPassword('other', stored.passwordHash)).toBe(true);
});

const legacy = 'invalid_request_legacy_500';

test.each([
  [{}, legacy, 'username is required'],
  [{ username: 'bob' }, legacy, 'nothing to update, must supply active, role or password to update'],
  [{ username: 'bob', password: '' }, legacy, 'password cannot be an empty string'],
  [{ username: 'bob', password: 5 }, legacy, 'password cannot be an empty string'],
  [{ username: 'bob', role: '' }, legacy, 'If role is specified, it cannot be empty.'],
  [{ username: 'bob', active: 'no' }, legacy, 'active must be true or false'],
  [{ username: 'bob', role: 'r' }, 'not_found', "Update failed.  Requested 'r' role not found."],
])('alter_user %j is refused as %s: %s', async (body, code, message) => {
  await using t = await openWithBob();

  await expect(t.call({ operation: 'alter_user', ...body })).rejects.toMatchObject({ code, message });
});

test('an unknown user is skipped by alter_user and refused by drop_user', async () => {
  await using t = await openWithBob();

  expect(await t.call({ operation: 'alter_user', username: 'eve', active: false })).toMatchObject({
    update_hashes: [],
    skipped_hashes: ['eve'],
  });
  await expect(t.call({ operation: 'drop_user', username: 'eve' })).rejects.toMatchObject({
    code: 'not_found',
    message: 'User eve does not exist',
  });
});

test('drop_user removes the user', async () => {
  await using t = await openWithBob();
  await putQuickUser(t.store, { username: 'admin', password: 'x', role: 'super_user' });

  expect(await t.call({ operation: 'drop_user', username: 'bob' })).toEqual({
    message: 'bob successfully deleted',
  });
  expect(findUser(t.store, 'bob')).toBeUndefined();
});

test('list_users tells names and roles with their rights on system, and nothing secret', async () => {
  await using t = await openWithBob();
  await putUser(t.store, { username: 'node', password: 'x', role: 'cluster_user', extra: { scram: 'x' } });

  const users = await t.call({ operation: 'list_users' });

  const rights = { read: true, insert: false, update: false, delete: false, attribute_permissions: [] };
  expect(users).toEqual([
    {
      username: 'bob',
      active: true,
      role: expect.objectContaining({
        id: 'super_user',
        role: 'super_user',
        permission: { super_user: true, system: { tables: expect.objectContaining({ hdb_user: rights }) } },
      }),
      __createdtime__: expect.any(Number),
      __updatedtime__: expect.any(Number),
    },
    expect.objectContaining({ username: 'node' }),
  ]);
  expect(JSON.stringify(users)).not.toMatch(/scrypt|scram|password/);
  expect(JSON.stringify(await t.call({ operation: 'list_roles' }))).not.toContain('hdb_user');
});

test('the cluster user that gets a new password proves that one from then on', async () => {
  await using t = await openContext();
  await putUser(t.store, { username: 'node', password: 'x', role: 'cluster_user', extra: { scram: {} } });

  await t.call({ operation: 'alter_user', username: 'node', password: 'y' });

  expect(clusterVerifier(t.store, 'node')).toMatchObject({ storedKey: expect.any(String) });
});

const clusterLogin = { username: 'node', role: 'cluster_user' } as const;
const users = { schema: 'system', table: 'hdb_user' };

function configOf({ path }: TestContext, password: string): Config {
  const env = {
    ROOTPATH: path,
    CLUSTERING_ENABLED: 'true',
    CLUSTERING_USER: 'node',
    CLUSTERING_PASSWORD: password,
  };
  return loadConfig({ flags: {}, env, cwd: path });
}

test('a password that is written as a row is the one that joins prove', async () => {
  await using t = await openContext();
  const before = await makeVerifier('x');
  await putUser(t.store, { ...clusterLogin, password: 'x', extra: { scram: before } });
  const write = (operation: string, password: string): Promise<unknown> =>
    t.call({ operation, ...users, records: [{ username: 'node', password }] });

  await write('update', 'y');

  const after = clusterVerifier(t.store, 'node') ?? expect.fail('no verifier');
  expect(await makeVerifier('y', Buffer.from(after.salt, 'base64'), after.iterations)).toEqual(after);
  await expect(write('upsert', await hashPassword('z'))).rejects.toMatchObject({
    code: 'invalid_request',
    message:
      "The password of 'node' is also what nodes join with, which no hash tells: send the password, or use alter_user",
  });
  expect(clusterVerifier(t.store, 'node')).toEqual(after);
  expect(await verifyPassword('y', findUser(t.store, 'node')?.passwordHash ?? '')).toBe(true);
});

test.each([{ active: false }, { role: 'super_user' }, { role: 'none' }])(
  'nobody joins with the cluster user once it has %j, also after a start',
  async (change) => {
    await using t = await openContext();
    await putQuickUser(t.store, { username: 'admin', password: 'x', role: 'super_user' });
    const config = configOf(t, 'x');
    await provideUsers(t.store, config);
    expect(clusterVerifier(t.store, 'node')).toBeDefined();

    await t.call({ operation: 'update', ...users, records: [{ username: 'node', ...change }] });
    expect(clusterVerifier(t.store, 'node')).toBeUndefined();
    await provideUsers(t.store, config);

    expect(clusterVerifier(t.store, 'node')).toBeUndefined();
  },
);

test('a cluster user that is not active stays so when a start brings it another password', async () => {
  await using t = await openContext();
  await putQuickUser(t.store, { username: 'admin', password: 'x', role: 'super_user' });
  await provideUsers(t.store, configOf(t, 'x'));
  await t.call({ operation: 'alter_user', username: 'node', active: false });

  await provideUsers(t.store, configOf(t, 'y'));

  expect(clusterVerifier(t.store, 'node')).toBeUndefined();
});
