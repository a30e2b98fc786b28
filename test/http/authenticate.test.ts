import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { putUser } from '../../src/operation/user/put-user.ts';
import { putQuickUser } from '../operation/quick-user.ts';
import { admin, openServer } from './open-server.ts';

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const describeAll = { operation: 'describe_all' };

test.each([
  ['', 'Must login'],
  [basic('admin:wrong'), 'Login failed'],
  [basic('nobody:pass:word'), 'Login failed'],
  [basic('admin'), 'Login failed'],
  ['Basic !!!', 'Login failed'],
  ['Digest abc', 'Login failed'],
  ['Bearer abc', 'invalid token'],
])('the header %j is answered with 401 %s', async (header, error) => {
  await using t = await openServer();

  const response = await t.postText(JSON.stringify({ operation: 'create_schema', schema: 'dev' }), header);

  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe('Basic');
  expect(await response.json()).toEqual({ error });
  expect((await t.post(describeAll)).body).toEqual({});
});

test('a password may hold colons, and the scheme any case', async () => {
  await using t = await openServer();

  expect((await t.post(describeAll, admin)).status).toBe(200);
  expect((await t.post(describeAll, admin.replace('Basic', 'basic'))).status).toBe(200);
});

test('a verified password is remembered only as long as the user stays as it is', async () => {
  await using t = await openServer();
  const bob = basic('bob:one');
  await putQuickUser(t.store, { username: 'bob', password: 'one', role: 'super_user' });
  expect((await t.post(describeAll, bob)).status).toBe(200);

  await putQuickUser(t.store, { username: 'bob', password: 'two', role: 'super_user' });
  expect(await t.post(describeAll, bob)).toEqual({ status: 401, body: { error: 'Login failed' } });
  expect((await t.post(describeAll, basic('bob:two'))).status).toBe(200);

  await t.post({
    operation: 'update',
    schema: 'system',
    table: 'hdb_user',
    records: [{ username: 'bob', active: false }],
  });
  expect(await t.post(describeAll, basic('bob:two'))).toEqual({
    status: 401,
    body: { error: 'Cannot complete request: User is inactive' },
  });

  await t.post({ operation: 'delete', schema: 'system', table: 'hdb_user', hash_values: ['bob'] });
  expect(await t.post(describeAll, basic('bob:two'))).toEqual({
    status: 401,
    body: { error: 'Login failed' },
  });
});

test('the cluster user may do nothing but learn who it is', async () => {
  await using t = await openServer();
  const cluster = basic('cluster:secret');
  await putQuickUser(t.store, { username: 'cluster', password: 'secret', role: 'cluster_user' });

  expect(await t.post({ operation: 'create_schema', schema: 'x' }, cluster)).toEqual({
    status: 403,
    body: {
      error: 'This operation is not authorized due to role restrictions and/or invalid database items',
      unauthorized_access: ["Operation 'createSchema' is restricted to 'super_user' roles"],
      invalid_schema_items: [],
    },
  });
  expect((await t.post({ operation: 'user_info' }, cluster)).body).toMatchObject({ username: 'cluster' });
});

test('many connections that open with the same password are all let in', async () => {
  await using t = await openServer();
  // With a hash that takes as long as those of a node.
  await putUser(t.store, { username: 'admin', password: 'pass:word', role: 'super_user' });

  const answers = await Promise.all(Array.from({ length: 150 }, () => t.post(describeAll)));

  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});

test('a flood of guesses is refused before it can occupy the node, and the right password still counts', async () => {
  await using t = await openServer();
  // With a hash that takes as long as those of a node.
  await putUser(t.store, { username: 'admin', password: 'pass:word', role: 'super_user' });
  await t.post(describeAll);

  const flood = async (): Promise<readonly Response[]> => {
    const guesses = Array.from({ length: 130 }, (_, index) =>
      t.postText(JSON.stringify(describeAll), basic(`admin:${index}`)),
    );
    expect((await t.post(describeAll)).status).toBe(200);
    return Promise.all(guesses);
  };
  // Most of the first find no room, which is no guess; then the address has guessed enough.
  const answers = [...(await flood()), ...(await flood()), ...(await flood())];

  expect(answers.filter(({ status }) => status === 401).length).toBeLessThan(20);
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.headers.get('retry-after')).toMatch(/^[1-9]$/);
  expect(await refused?.json()).toEqual({
    error: 'Too many failed logins from this address, try again in a few seconds',
  });
  expect(t.logged.filter((line) => line.includes('login refused unread after many failures'))).toHaveLength(
    5,
  );
});

test('a stranger is asked to log in, whatever the body is', async () => {
  await using t = await openServer();

  for (const body of [
    '',
    '{',
    '[]',
    'null',
    '{"operation":"xyz"}',
    `{"operation":"${'x'.repeat(50_000)}"}`,
  ]) {
    const response = await t.postText(body, '');
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ error: 'Must login' });
  }
});

test('with authorizeLocal a request from this machine is the super user, unless a page or a proxy sent it', async () => {
  await using t = await openServer({ authorizeLocal: true });
  const post = (headers: Record<string, string>): Promise<Response> =>
    fetch(t.url, { method: 'POST', headers, body: JSON.stringify({ operation: 'list_users' }) });

  expect((await post({})).status).toBe(200);
  expect((await post({ authorization: basic('admin:wrong') })).status).toBe(401);
  expect((await post({ 'x-forwarded-for': '10.0.0.1' })).status).toBe(401);
  expect((await post({ via: '1.1 proxy' })).status).toBe(401);
  // Not fetch: it names the host itself.
  const postTo = async (host: string): Promise<number | undefined> => {
    const asked = request(t.url, { method: 'POST', headers: { host } });
    asked.end(JSON.stringify({ operation: 'list_users' }));
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  expect(await postTo(`localhost:${t.server.port}`)).toBe(200);
  expect(await postTo(`rebound.example:${t.server.port}`)).toBe(401);
});
