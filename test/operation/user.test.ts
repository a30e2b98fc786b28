import { expect, test } from 'vitest';
import { hashPassword, isPasswordHash, verifyPassword } from '../../src/operation/user/password.ts';
import { hasUserWithRole, putUser } from '../../src/operation/user/put-user.ts';
import { findUser } from '../../src/operation/user/user.ts';
import { clusterUser, openContext } from './open-context.ts';

test('a hash fits its password and no other, and is salted', async () => {
  const [first, second] = [await hashPassword('pässword'), await hashPassword('pässword')];

  expect(first).not.toBe(second);
  expect(first).toMatch(/^scrypt\$32768\$8\$1\$[^$]+\$[^$]+$/);
  expect(await verifyPassword('pässword', first)).toBe(true);
  expect(await verifyPassword('password', first)).toBe(false);
});

test('a hash that was made at a lower cost still fits', async () => {
  const stored = 'scrypt$16384$8$1$BwcHBwcHBwcHBwcHBwcHBw==$k2jDmUaApnLxU2WWWCkD3nUuOA31IE6mXyviPY38Lh0=';

  expect(await verifyPassword('pässword', stored)).toBe(true);
  expect(await verifyPassword('password', stored)).toBe(false);
});

test.each(['', 'password', 'scrypt$1$1$1$$', 'scrypt$16384$8$1$AAAA$AAAA', 'md5$a$b'])(
  '%j fits no password, not even itself',
  async (stored) => {
    expect(isPasswordHash(stored)).toBe(false);
    expect(await verifyPassword(stored, stored)).toBe(false);
  },
);

test('a user is found with its role, and replaced by a later one of the same name', async () => {
  await using t = await openContext();
  expect(hasUserWithRole(t.store, 'super_user')).toBe(false);

  await putUser(t.store, { username: 'admin', password: 'one', role: 'super_user' });
  await putUser(t.store, { username: 'node', password: 'two', role: 'cluster_user', extra: { scram: 'x' } });

  expect(hasUserWithRole(t.store, 'super_user')).toBe(true);
  expect(findUser(t.store, 'admin')?.user).toMatchObject({
    username: 'admin',
    active: true,
    isSuperUser: true,
  });
  expect(findUser(t.store, 'node')?.user.isSuperUser).toBe(false);
  expect(findUser(t.store, 'nobody')).toBeUndefined();
});

test('user_info shows the caller without anything secret', async () => {
  await using t = await openContext();
  await putUser(t.store, { username: 'admin', password: 'one', role: 'super_user' });
  const { user } = findUser(t.store, 'admin') ?? expect.fail('no user');

  expect(await t.call({ operation: 'user_info' }, user)).toEqual({
    username: 'admin',
    active: true,
    role: {
      id: 'super_user',
      role: 'super_user',
      permission: { super_user: true },
      __createdtime__: expect.any(Number),
      __updatedtime__: expect.any(Number),
    },
    __createdtime__: expect.any(Number),
    __updatedtime__: expect.any(Number),
  });
});

test('registration_info answers everybody', async () => {
  await using t = await openContext();

  expect(await t.call({ operation: 'registration_info' }, clusterUser)).toEqual({
    registered: true,
    version: '0.1.0',
    ram_allocation: expect.any(Number),
    license_expiration_date: null,
  });
});

test.each([
  [[], 'Invalid JSON.'],
  [null, 'Invalid JSON.'],
  ['insert', 'Invalid JSON.'],
  [{}, "Request body must include an 'operation' property."],
  [{ operation: 'xyz' }, "Operation 'xyz' not found"],
  [{ operation: 'toString' }, "Operation 'toString' not found"],
  [{ operation: 5 }, "Operation '5' not found"],
])('the body %j is no operation', async (body, message) => {
  await using t = await openContext();

  await expect(t.call(body)).rejects.toMatchObject({ code: 'invalid_request', message });
});
