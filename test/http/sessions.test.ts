import { pino } from 'pino';
import { expect, test } from 'vitest';
import { startHttpServer } from '../../src/http/server.ts';
import { putUser } from '../../src/operation/user/put-user.ts';
import { EventReader } from './changes/event-reader.ts';
import { dog, makeDogs } from '../operation/dog.ts';
import { putQuickUser } from '../operation/quick-user.ts';
import { admin, openServer, standardSettings, type TestServer } from './open-server.ts';

const userInfo = { operation: 'user_info' };
const mustLogin = { status: 401, body: { error: 'Must login' } };

type Headers = Readonly<Record<string, string>>;

async function ask(t: TestServer, body: object, headers: Headers = {}): Promise<Response> {
  const type = { 'content-type': 'application/json' };
  return fetch(t.url, { method: 'POST', headers: { ...type, ...headers }, body: JSON.stringify(body) });
}

async function told(answer: Promise<Response>): Promise<{ status: number; body: unknown }> {
  const response = await answer;
  return { status: response.status, body: await response.json() };
}

const asked = (t: TestServer, cookie: string, headers: Headers = {}): ReturnType<typeof told> =>
  told(ask(t, userInfo, { cookie, ...headers }));

/** The cookie that a browser sends back. */
async function login(t: TestServer, username = 'admin', password = 'pass:word'): Promise<string> {
  const response = await ask(t, { operation: 'login', username, password });
  expect(await response.json()).toEqual({ message: 'Login successful' });
  return cookieOf(response);
}

function cookieOf(response: Response): string {
  return response.headers.get('set-cookie')?.split(';')[0] ?? expect.fail('There is no cookie');
}

test('a login gives a cookie that no script sees and no other site sends, and the cookie says who asks', async () => {
  await using t = await openServer();
  const response = await ask(t, { operation: 'login', username: 'admin', password: 'pass:word' });
  const cookie = cookieOf(response);

  expect(response.headers.get('set-cookie')).toMatch(
    new RegExp(
      `^127_0_0_1_${t.server.port}-hdb-session=[\\w-]{43}; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict$`,
    ),
  );
  expect(await asked(t, cookie)).toMatchObject({ status: 200, body: { username: 'admin' } });
  expect(await asked(t, `other=1; ${cookie}; more=2`)).toMatchObject({ status: 200 });
  expect(await asked(t, `${cookie}x`)).toEqual(mustLogin);
  expect(await asked(t, cookie.replace(/^\w+-/, 'elsewhere-'))).toEqual(mustLogin);
});

test('behind a proxy that ends TLS the cookie is for TLS only', async () => {
  await using t = await openServer();
  const body = { operation: 'login', username: 'admin', password: 'pass:word' };

  const response = await ask(t, body, { origin: `https://127.0.0.1:${t.server.port}` });

  expect(response.status).toBe(200);
  expect(response.headers.get('set-cookie')).toMatch(/; Secure$/);
});

test('a logout ends the session at the server, and only this one', async () => {
  await using t = await openServer();
  const [cookie, other] = [await login(t), await login(t)];

  const response = await ask(t, { operation: 'logout' }, { cookie });

  expect(await response.json()).toEqual({ message: 'Logout successful' });
  expect(response.headers.get('set-cookie')).toContain('hdb-session=; Path=/; Max-Age=0;');
  expect(await asked(t, cookie)).toEqual(mustLogin);
  expect(await asked(t, other)).toMatchObject({ status: 200 });
  expect(await told(ask(t, { operation: 'logout' }))).toMatchObject({ status: 200 });
});

test('who logs in anew leaves the former session', async () => {
  await using t = await openServer();
  const cookie = await login(t);

  await ask(t, { operation: 'login', username: 'admin', password: 'pass:word' }, { cookie });

  expect(await asked(t, cookie)).toEqual(mustLogin);
});

test.each([
  { origin: 'https://studio.example' },
  { origin: 'http://127.0.0.1:1' },
  { origin: 'null' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
])('a page of another origin can neither use, begin nor end a session: %j', async (headers) => {
  await using t = await openServer({
    cors: { enabled: true, accessList: ['https://studio.example', 'http://127.0.0.1:1'] },
  });
  const cookie = await login(t);
  const begin = { operation: 'login', username: 'admin', password: 'pass:word' };

  expect(await asked(t, cookie, headers)).toEqual(mustLogin);
  const refused = await ask(t, begin, headers);
  expect(refused.headers.get('set-cookie')).toBeNull();
  expect(await refused.json()).toEqual({
    error:
      'No session for login: sessions are for pages of this address; send an Authorization header instead',
  });
  expect(await told(ask(t, { operation: 'logout' }, { cookie, ...headers }))).toEqual({
    status: 400,
    body: { error: 'No session for logout' },
  });
  expect(await asked(t, cookie)).toMatchObject({ status: 200 });
  expect(await asked(t, cookie, { authorization: admin, ...headers })).toMatchObject({ status: 200 });
});

test('an Authorization header goes before the cookie', async () => {
  await using t = await openServer();
  await putQuickUser(t.store, { username: 'bob', password: 'one', role: 'super_user' });
  const cookie = await login(t, 'bob', 'one');

  expect(await asked(t, cookie, { authorization: admin })).toMatchObject({ body: { username: 'admin' } });
  expect(await asked(t, cookie, { authorization: 'Bearer x' })).toEqual({
    status: 401,
    body: { error: 'invalid token' },
  });
});

test('a new password and removal end the sessions of a user, and who is inactive has none', async () => {
  await using t = await openServer();
  const bob = (password: string): Promise<void> =>
    putQuickUser(t.store, { username: 'bob', password, role: 'super_user' });
  await bob('one');
  const first = await login(t, 'bob', 'one');
  expect(await asked(t, first)).toMatchObject({ status: 200 });

  await t.post({ operation: 'alter_user', username: 'bob', password: 'two' });
  expect(await asked(t, first)).toEqual(mustLogin);

  const second = await login(t, 'bob', 'two');
  await t.post({ operation: 'alter_user', username: 'bob', active: false });
  expect(await asked(t, second)).toEqual(mustLogin);
  expect(await told(ask(t, { operation: 'login', username: 'bob', password: 'two' }))).toEqual({
    status: 401,
    body: { error: 'Cannot complete request: User is inactive' },
  });

  await t.post({ operation: 'drop_user', username: 'bob' });
  await bob('two');
  expect(await asked(t, second)).toEqual(mustLogin);
});

test('guesses at login are refused, slowed down and logged as all others', async () => {
  await using t = await openServer();
  // With a hash that takes as long as those of a node.
  await putUser(t.store, { username: 'admin', password: 'pass:word', role: 'super_user' });
  const guess = (index: number): ReturnType<typeof told> =>
    told(ask(t, { operation: 'login', username: 'admin', password: `guess-${index}` }));

  expect(await guess(0)).toEqual({ status: 401, body: { error: 'invalid credentials' } });
  const flood = async (): Promise<Awaited<ReturnType<typeof told>>[]> =>
    Promise.all(Array.from({ length: 60 }, (_, index) => guess(index + 1)));
  // Most of the first find no room, which is no guess.
  const answers = [...(await flood()), ...(await flood()), ...(await flood())];

  expect(answers.some(({ status }) => status === 429)).toBe(true);
  expect(t.logged.join('')).toContain('login refused');
  expect(t.logged.join('')).not.toContain('guess-');
});

test('a page that asks for the password itself gets no challenge that makes the browser ask', async () => {
  await using t = await openServer();

  const response = await ask(t, userInfo, { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' });

  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBeNull();
});

test('changes are told to a session until it ends', async () => {
  await using t = await openServer({ changeTimes: { recheckMs: 20 } });
  await makeDogs(t);
  const cookie = await login(t);
  using reader = await EventReader.open(`${t.url}changes/dev/dog`, undefined, { cookie });
  expect((await reader.next()).event).toBe('ready');

  await t.post({ operation: 'insert', ...dog, records: [{ id: 1 }] });
  expect((await reader.next()).data).toMatchObject({ id: 1 });
  await ask(t, { operation: 'logout' }, { cookie });

  expect(await reader.next()).toMatchObject({ event: 'end', data: { reason: 'Must login' } });
  const refused = await fetch(`${t.url}changes/dev/dog`, {
    headers: { cookie: await login(t), origin: 'https://studio.example' },
  });
  expect(refused.status).toBe(401);
});

test('switched off, nobody begins a session and no cookie counts', async () => {
  await using t = await openServer();
  const cookie = await login(t);
  const authentication = { ...t.authentication, sessions: undefined };
  const services = { ...t.services, authentication };
  await using server = await startHttpServer({
    ...standardSettings,
    ...{ services, health: () => t.health, log: pino({ enabled: false }) },
  });
  const off = { ...t, url: `http://127.0.0.1:${server.port}/` };
  const here = cookie.replace(`${t.server.port}`, `${server.port}`);

  expect(await asked(off, here)).toEqual(mustLogin);
  const body = { operation: 'login', username: 'admin', password: 'pass:word' };
  expect(await told(ask(off, body))).toMatchObject({ status: 400 });
});

test('the tokens that a session asks for end with it', async () => {
  await using t = await openServer();
  const cookie = await login(t);
  const { body } = await told(ask(t, { operation: 'create_authentication_tokens' }, { cookie }));

  for (const token of Object.values(body as Record<string, string>)) {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const { exp } = claims as { exp: number };
    expect(exp).toBeLessThanOrEqual(Date.now() / 1_000 + 86_400);
  }
});
