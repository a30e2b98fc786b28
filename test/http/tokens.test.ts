import { createHmac, sign, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { Tokens } from '../../src/operation/user/tokens.ts';
import { findUser, type User } from '../../src/operation/user/user.ts';
import { makePair } from '../operation/open-authentication.ts';
import { putQuickUser } from '../operation/quick-user.ts';
import { admin, openServer, type TestServer } from './open-server.ts';

const create = { operation: 'create_authentication_tokens' };
const userInfo = { operation: 'user_info' };
const login = { username: 'admin', password: 'pass:word' };
const invalid = { status: 401, body: { error: 'invalid token' } };
const expired = { status: 403, body: { error: 'token expired' } };

interface Pair {
  readonly operation_token: string;
  readonly refresh_token: string;
}

async function tokens(t: TestServer): Promise<Pair> {
  const { status, body } = await t.post({ ...create, ...login }, '');
  expect({ status, body }).toEqual({
    status: 200,
    body: { operation_token: expect.any(String), refresh_token: expect.any(String) },
  });
  return body as Pair;
}

const bearer = (token: string): string => `Bearer ${token}`;
const asked = (t: TestServer, token: string): Promise<unknown> => t.post(userInfo, bearer(token));

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function claimsOf(token: string): Record<string, unknown> {
  const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return JSON.parse(text) as Record<string, unknown>;
}

function signed(header: object, claims: object, key: KeyObject): string {
  const content = `${part(header)}.${part(claims)}`;
  return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`;
}

function userOf({ store }: TestServer, name: string): User {
  return findUser(store, name)?.user ?? expect.fail('There is no user');
}

test('a name and a password in the body give two tokens, and the operation token says who asks', async () => {
  await using t = await openServer();

  const { operation_token: token, refresh_token: refresh } = await tokens(t);

  expect(await t.post(userInfo, bearer(token))).toMatchObject({ status: 200, body: { username: 'admin' } });
  expect(claimsOf(token)).toMatchObject({ username: 'admin', sub: 'operation', super_user: true });
  expect(Number(claimsOf(token)['exp']) - Number(claimsOf(token)['iat'])).toBe(86_400);
  expect(claimsOf(refresh)).toMatchObject({ sub: 'refresh' });
  expect(Number(claimsOf(refresh)['exp']) - Number(claimsOf(refresh)['iat'])).toBe(30 * 86_400);
  expect(await t.post(create, admin)).toMatchObject({ status: 200 });
  expect(await t.post(create, bearer(token))).toMatchObject({ status: 200 });
});

test('a refresh token gives an operation token, in the header or in the body, and nothing else', async () => {
  await using t = await openServer();
  const { operation_token: token, refresh_token: refresh } = await tokens(t);
  const operation = 'refresh_operation_token';

  for (const { body } of [
    await t.post({ operation }, bearer(refresh)),
    await t.post({ operation, refresh_token: refresh }, ''),
  ]) {
    expect(body).toEqual({ operation_token: expect.any(String) });
    expect(await asked(t, (body as Pair).operation_token)).toMatchObject({ status: 200 });
  }

  expect(await asked(t, refresh)).toEqual(invalid);
  expect(await t.post({ operation, refresh_token: token }, '')).toEqual(invalid);
  expect(await t.post({ operation }, bearer(token))).toEqual(invalid);
  expect(await t.post({ operation }, '')).toEqual(invalid);
});

test('only the last refresh token of a user counts', async () => {
  await using t = await openServer();
  const operation = 'refresh_operation_token';
  const first = await tokens(t);
  const { body } = await t.post({ ...create, expires_in: '1h' }, admin);
  const last = body as Pair;

  expect(await t.post({ operation }, bearer(first.refresh_token))).toEqual(invalid);
  expect(await t.post({ operation }, bearer(last.refresh_token))).toMatchObject({ status: 200 });
  expect(Number(claimsOf(last.operation_token)['exp']) - Number(claimsOf(last.operation_token)['iat'])).toBe(
    3_600,
  );
});

test('no chain of tokens outlives the one that it began with', async () => {
  let nowMs = Date.now();
  await using t = await openServer({ now: () => nowMs });
  const { operation_token: stolen } = await tokens(t);
  nowMs += 3_600_000;
  const end = claimsOf(stolen)['exp'];

  expect(await t.post({ ...create, expires_in: '30d' }, bearer(stolen))).toEqual({
    status: 400,
    body: {
      error:
        "'expires_in' cannot be longer than what the request logged in with lasts: send name and password",
    },
  });
  const { body } = await t.post(create, bearer(stolen));
  const { operation_token: second, refresh_token: refresh } = body as Pair;
  const { body: third } = await t.post({ operation: 'refresh_operation_token' }, bearer(refresh));
  const { body: short } = await t.post({ ...create, expires_in: '1h' }, bearer(stolen));

  expect(claimsOf(second)['exp']).toBe(end);
  expect(claimsOf(refresh)['exp']).toBe(end);
  expect(claimsOf((third as Pair).operation_token)['exp']).toBe(end);
  expect(claimsOf((short as Pair).operation_token)['exp']).toBe(Math.floor(nowMs / 1_000) + 3_600);
});

test.each([
  [{ username: 'admin', password: 'wrong' }, 401, 'invalid credentials'],
  [{ username: 'nobody', password: 'wrong' }, 401, 'invalid credentials'],
  [{ username: 'admin' }, 401, 'invalid credentials'],
  [{ password: 'pass:word' }, 401, 'invalid credentials'],
  [{}, 401, 'Must login'],
  [
    { username: '', password: '' },
    400,
    "'username' is not allowed to be empty. 'password' is not allowed to be empty",
  ],
  [{ ...login, expires_in: 'soon' }, 400, "'expires_in' is not valid"],
  [
    { ...login, expires_in: '31d' },
    400,
    "'expires_in' cannot be longer than the setting authentication.refreshTokenTimeout",
  ],
  [{ ...login, role: 'super_user' }, 400, "'role' is not supported"],
])('create_authentication_tokens with %j is answered with %i %s', async (fields, status, error) => {
  await using t = await openServer();

  expect(await t.post({ ...create, ...fields }, '')).toEqual({ status, body: { error } });
});

test('tokens that this node did not sign with RS256 and its own key are refused', async () => {
  // Made first: it holds up this process for longer than a connection may be idle on a slow machine.
  const foreign = makePair();
  await using t = await openServer();
  const { operation_token: token } = await tokens(t);
  const claims = claimsOf(token);
  const [header = '', payload = '', signature = ''] = token.split('.');
  const own = await t.authentication.keys.provide();
  const publicPem = own.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const hs256 = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  const forged = {
    'alg none': `${part({ alg: 'none' })}.${part(claims)}.`,
    'alg None with the signature': `${part({ alg: 'None' })}.${payload}.${signature}`,
    'HS256 with the public key': `${hs256}.${createHmac('sha256', publicPem).update(hs256).digest('base64url')}`,
    'another key': signed({ alg: 'RS256' }, claims, foreign.privateKey),
    'another key in the header': signed(
      { alg: 'RS256', jwk: foreign.publicKey.export({ format: 'jwk' }) },
      claims,
      foreign.privateKey,
    ),
    'claims changed': `${header}.${part({ ...claims, username: 'root' })}.${signature}`,
    'no signature': `${header}.${payload}.`,
    'no token': 'abc',
    empty: '',
  };

  for (const [what, attempt] of Object.entries(forged))
    expect([what, await asked(t, attempt)]).toEqual([what, invalid]);

  const { exp: _, ...endless } = claims;
  expect(await asked(t, signed({ alg: 'RS256' }, claims, own.privateKey))).toMatchObject({ status: 200 });
  expect(await asked(t, signed({ alg: 'RS256' }, endless, own.privateKey))).toEqual(invalid);
  expect(await asked(t, signed({ alg: 'RS256' }, { ...claims, sub: 'session' }, own.privateKey))).toEqual(
    invalid,
  );
  expect(await asked(t, signed({ alg: 'RS256' }, { ...claims, username: 'nobody' }, own.privateKey))).toEqual(
    invalid,
  );
});

test('a node that has given no token knows none', async () => {
  await using t = await openServer();
  const { operation_token: foreign } = await tokens(t);
  const fresh = new Tokens({
    store: t.store,
    keys: { known: undefined, provide: () => t.authentication.keys.provide() },
    operationTokenTimeoutMs: 1_000,
    refreshTokenTimeoutMs: 1_000,
    now: Date.now,
  });

  await expect(fresh.holderOf(foreign)).rejects.toMatchObject({
    code: 'unauthenticated',
    message: 'invalid token',
  });
});

test('a token that is over is answered with 403, of either kind', async () => {
  await using t = await openServer();
  const then = new Tokens({
    store: t.store,
    keys: t.authentication.keys,
    operationTokenTimeoutMs: 1_000,
    refreshTokenTimeoutMs: 1_000,
    now: () => Date.now() - 60_000,
  });
  const old = await then.create(userOf(t, 'admin'));

  expect(await asked(t, old.operation_token)).toEqual(expired);
  expect(await t.post({ operation: 'refresh_operation_token' }, bearer(old.refresh_token))).toEqual(expired);
});

test('a new password, inactivity and removal end the tokens of a user', async () => {
  await using t = await openServer();
  await putQuickUser(t.store, { username: 'bob', password: 'one', role: 'super_user' });
  const proved = userOf(t, 'bob');
  const { operation_token: first, refresh_token: refresh } = await t.authentication.tokens.create(proved);
  expect(await asked(t, first)).toMatchObject({ status: 200 });

  await t.post({ operation: 'alter_user', username: 'bob', password: 'two' });
  expect(await asked(t, first)).toEqual(invalid);
  expect(await t.post({ operation: 'refresh_operation_token' }, bearer(refresh))).toEqual(invalid);

  await expect(t.authentication.tokens.create(proved)).rejects.toMatchObject({ code: 'unauthenticated' });
  const { operation_token: second } = await t.authentication.tokens.create(userOf(t, 'bob'));
  await t.post({ operation: 'alter_user', username: 'bob', active: false });
  expect(await asked(t, second)).toEqual({
    status: 401,
    body: { error: 'Cannot complete request: User is inactive' },
  });

  await t.post({ operation: 'drop_user', username: 'bob' });
  expect(await asked(t, second)).toEqual(invalid);
});

test('no answer and no log shows a token, its hash or a password', async () => {
  await using t = await openServer();
  const { operation_token: token, refresh_token: refresh } = await tokens(t);
  await t.post({ ...create, username: 'admin', password: 'guess-1' }, '');

  const rows = {
    operation: 'search_by_value',
    schema: 'system',
    table: 'hdb_user',
    attribute: 'username',
    value: '*',
  };
  const shown = JSON.stringify([await t.post(rows), await t.post({ operation: 'list_users' }), t.logged]);

  expect(t.logged.join('')).toContain('login refused');
  for (const secret of [token, refresh, 'refresh_token', 'pass:word', 'guess-1', 'scrypt'])
    expect(shown).not.toContain(secret);
});
