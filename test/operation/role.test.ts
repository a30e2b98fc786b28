import { describe, expect, test } from 'vitest';
import { RolePermissionError } from '../../src/operation/role/role-problems.ts';
import { provideRoles } from '../../src/operation/user/put-user.ts';
import { findUser } from '../../src/operation/user/user.ts';
import { makeDogs } from './dog.ts';
import { openContext, type TestContext } from './open-context.ts';

const all = { read: true, insert: true, update: true, delete: true };
const name = { attribute_name: 'name', read: true, insert: true, update: true };

async function openWithDogs(): Promise<TestContext> {
  const t = await openContext();
  await provideRoles(t.store);
  await makeDogs(t, [{ id: 1, name: 'Rex' }]);
  return t;
}

const onDog = (table: unknown): unknown => ({ super_user: false, dev: { tables: { dog: table } } });

test('a role is stored under its name, listed, altered, renamed and dropped', async () => {
  await using t = await openWithDogs();
  const permission = onDog({ ...all, attribute_permissions: [{ ...name, delete: true }] });

  const added = await t.call({ operation: 'add_role', role: 'dev-1', permission });
  expect(added).toEqual({
    id: 'dev-1',
    role: 'dev-1',
    permission,
    __createdtime__: expect.any(Number),
    __updatedtime__: expect.any(Number),
  });
  expect(await t.call({ operation: 'list_roles' })).toEqual([
    expect.objectContaining({ id: 'cluster_user', permission: { cluster_user: true } }),
    added,
    expect.objectContaining({ id: 'super_user', permission: { super_user: true } }),
  ]);

  expect(
    await t.call({
      operation: 'alter_role',
      id: 'dev-1',
      role: 'two',
      permission: { structure_user: ['dev'] },
    }),
  ).toEqual({
    id: 'dev-1',
    role: 'two',
    permission: { structure_user: ['dev'] },
    __updatedtime__: expect.any(Number),
  });
  expect(await t.call({ operation: 'drop_role', id: 'dev-1' })).toEqual({
    message: 'two successfully deleted',
  });
});

test('a role of a name that is taken is refused, and so is a rename to one', async () => {
  await using t = await openWithDogs();
  await t.call({ operation: 'add_role', role: 'one', permission: {} });
  await t.call({ operation: 'add_role', role: 'two', permission: {} });

  const taken = { code: 'already_exists', message: "A role with name 'one' already exists" };
  await expect(t.call({ operation: 'add_role', role: 'one', permission: {} })).rejects.toMatchObject(taken);
  await expect(
    t.call({ operation: 'alter_role', id: 'two', role: 'one', permission: {} }),
  ).rejects.toMatchObject(taken);
});

test('roles that are not there cannot be altered or dropped', async () => {
  await using t = await openWithDogs();

  await expect(t.call({ operation: 'alter_role', id: 'x', permission: {} })).rejects.toMatchObject({
    code: 'invalid_request',
    message: 'Invalid role id',
  });
  await expect(t.call({ operation: 'drop_role', id: 'x' })).rejects.toMatchObject({
    code: 'not_found',
    message: 'Role not found',
  });
});

test('a role that an active user has stays', async () => {
  await using t = await openWithDogs();
  await t.call({ operation: 'add_role', role: 'r', permission: {} });
  await t.call({ operation: 'add_user', username: 'bob', password: 'x', role: 'r' });

  await expect(t.call({ operation: 'drop_role', id: 'r' })).rejects.toMatchObject({
    code: 'in_use',
    message: 'Cannot drop role r as it has active user(s) tied to this role',
  });

  await t.call({ operation: 'alter_user', username: 'bob', active: false });
  expect(await t.call({ operation: 'drop_role', id: 'r' })).toEqual({ message: 'r successfully deleted' });
  expect(await t.call({ operation: 'list_users' })).toEqual([
    expect.objectContaining({ username: 'bob', active: false, role: expect.objectContaining({ id: 'r' }) }),
  ]);
});

const conflict =
  "You have a conflict with TABLE permissions for 'dev.dog' being false and ATTRIBUTE permissions being true";
const none = { attribute_permissions: [] };

test.each<[Record<string, unknown>, string[], string[]]>([
  [{ role: undefined }, ["Role can't be blank"], []],
  [{ permission: undefined }, ["Permission can't be blank"], []],
  [{ role: 'a b' }, ['Role can only contain letters, digits, dashes and underscores'], []],
  [{ extra: 1 }, ["Invalid key in JSON body - 'extra'"], []],
  [{ extra: 1, more: 2 }, ["Invalid keys in JSON body - 'extra', 'more'"], []],
  [{ permission: 5 }, ['Permission must be an object'], []],
  [{ permission: { super_user: 'x' } }, ["Value for 'super_user' permission must be a boolean"], []],
  [{ permission: { cluster_user: 1 } }, ["Value for 'cluster_user' permission must be a boolean"], []],
  [
    { permission: { structure_user: 'x' } },
    ["Value for 'structure_user' permission must be a boolean or Array"],
    [],
  ],
  [
    { permission: { super_user: true, dev: {} } },
    ["Roles with 'super_user' set to true cannot have other permissions set."],
    [],
  ],
  [
    { permission: { cluster_user: true, structure_user: true } },
    ["Roles with 'cluster_user' set to true cannot have other permissions set."],
    [],
  ],
  [
    { permission: { cluster_user: true, super_user: true } },
    ["Roles cannot have both 'super_user' and 'cluster_user' values included in their permissions set."],
    [],
  ],
  [{ permission: { nowhere: { tables: {} } } }, ["database 'nowhere' does not exist"], []],
  [{ permission: { dev: { tables: { cat: all } } } }, ["Table 'dev.cat' does not exist"], []],
  [{ permission: { dev: 5 } }, ["Permissions for database 'dev' must be an object of tables"], []],
  [{ permission: { system: { tables: {} } } }, ["Permissions for database 'system' cannot be set"], []],
  [{ permission: onDog(5) }, [], ["Permission for 'dev.dog' must be an object"]],
  [{ permission: onDog({ ...all, ...none, k: 1 }) }, [], ["Invalid table permission key value 'k'"]],
  [{ permission: onDog({ ...all, ...none, read: undefined }) }, [], ['Missing table READ permission']],
  [{ permission: onDog({ ...all, ...none, read: 'x' }) }, [], ['Table READ permission must be a boolean']],
  [{ permission: onDog(all) }, [], ["Missing 'attribute_permissions' array"]],
  [
    { permission: onDog({ ...all, attribute_permissions: {} }) },
    [],
    ["Value for 'attribute_permissions' must be an array"],
  ],
  [
    { permission: onDog({ ...all, attribute_permissions: [{ read: true }] }) },
    [],
    ["Permission object in 'attribute_permission' missing an 'attribute_name'"],
  ],
  [
    { permission: onDog({ ...all, attribute_permissions: [{ ...name, attribute_name: 'a' }] }) },
    [],
    ["Invalid attribute 'a' in 'attribute_permissions'"],
  ],
  [
    { permission: onDog({ ...all, attribute_permissions: [{ ...name, drop: true }] }) },
    [],
    ["Invalid attribute permission key value 'drop'"],
  ],
  [
    { permission: onDog({ ...all, attribute_permissions: [{ ...name, read: undefined, update: 'x' }] }) },
    [],
    [
      "READ attribute permission missing for 'name'",
      "UPDATE attribute permission for 'name' must be a boolean",
    ],
  ],
  [{ permission: onDog({ ...all, insert: false, attribute_permissions: [name] }) }, [], [conflict]],
])('add_role with %j is refused with all that is wrong', async (fields, main, ofDog) => {
  await using t = await openWithDogs();
  const before = await t.call({ operation: 'list_roles' });

  const refusal: unknown = await t
    .call({ operation: 'add_role', role: 'r', permission: {}, ...fields })
    .catch((error: unknown) => error);

  if (!(refusal instanceof RolePermissionError)) return expect.fail(String(refusal));
  expect(refusal.message).toBe('Errors in the role permissions JSON provided');
  expect(refusal.problems).toEqual({
    mainPermissions: main,
    tablePermissions: ofDog.length === 0 ? {} : { dev_dog: ofDog },
  });
  expect(await t.call({ operation: 'list_roles' })).toEqual(before);
});

describe('at once with another request', () => {
  const permission = { super_user: false };
  const eve = { operation: 'add_user', username: 'eve', password: 'secret', role: 'r', active: true };

  test('a role that is dropped while the password of a new user of it is hashed gives no user without a role', async () => {
    await using t = await openWithDogs();
    await t.call({ operation: 'add_role', role: 'r', permission });

    const added = t.call(eve);
    await t.call({ operation: 'drop_role', id: 'r' });

    await expect(added).rejects.toMatchObject({ code: 'not_found', message: 'r role not found' });
    expect(await t.call({ operation: 'list_users' })).toEqual([]);
  });

  test('a role that is dropped and made anew under another id meanwhile is not the one that was asked for', async () => {
    await using t = await openWithDogs();
    await t.call({ operation: 'add_role', role: 'r', permission });

    const added = t.call(eve);
    await t.call({ operation: 'drop_role', id: 'r' });
    await t.call({ operation: 'add_role', id: 'anew', role: 'r', permission });

    await expect(added).rejects.toMatchObject({ code: 'not_found' });
    expect(await t.call({ operation: 'list_users' })).toEqual([]);
  });

  test('a role that is dropped while a new password is hashed is given to nobody', async () => {
    await using t = await openWithDogs();
    for (const role of ['r', 'other']) await t.call({ operation: 'add_role', role, permission });
    await t.call({ ...eve, role: 'other' });

    const altered = t.call({ operation: 'alter_user', username: 'eve', password: 'new', role: 'r' });
    await t.call({ operation: 'drop_role', id: 'r' });

    await expect(altered).rejects.toMatchObject({ code: 'not_found' });
    expect(findUser(t.store, 'eve')?.user.role.id).toBe('other');
  });

  test('a role that is given to a user just before it is dropped stays', async () => {
    await using t = await openWithDogs();
    for (const role of ['r', 'other']) await t.call({ operation: 'add_role', role, permission });
    await t.call({ ...eve, role: 'other' });

    const altered = t.call({ operation: 'alter_user', username: 'eve', role: 'r' });
    const dropped = t.call({ operation: 'drop_role', id: 'r' });

    await expect(dropped).rejects.toMatchObject({ code: 'in_use' });
    await altered;
    expect(findUser(t.store, 'eve')?.user.role.id).toBe('r');
  });

  test('two roles do not get one name', async () => {
    await using t = await openWithDogs();
    for (const role of ['a', 'b']) await t.call({ operation: 'add_role', role, permission });
    const add = (id: string): object => ({ operation: 'add_role', id, role: 'r', permission });
    const rename = (id: string): object => ({ operation: 'alter_role', id, role: 'q', permission });

    const outcomes = await Promise.allSettled(
      [add('x'), add('y'), rename('a'), rename('b')].map(async (body) => t.call(body)),
    );

    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    const names = ((await t.call({ operation: 'list_roles' })) as { role: string }[]).map(({ role }) => role);
    expect(names).toEqual(['q', 'b', 'cluster_user', 'super_user', 'r']);
  });
});
