import { expect, test } from 'vitest';
import { admin, openServer, type TestServer } from './open-server.ts';

const page = 'https://studio.example';

const json = { 'content-type': 'application/json' };

function ask(t: TestServer, method: string, origin?: string, type: object = json): Promise<Response> {
  return fetch(t.url, {
    method,
    headers: { authorization: admin, ...type, ...(origin === undefined ? {} : { origin }) },
    ...(method === 'POST' ? { body: '{"operation":"describe_all"}' } : {}),
  });
}

test('a listed origin is told by name and may send what the browser keeps, others are told nothing', async () => {
  await using t = await openServer({ cors: { enabled: true, accessList: [page] } });

  const listed = await ask(t, 'POST', page);
  const other = await ask(t, 'POST', 'https://elsewhere.example');

  expect(listed.headers.get('access-control-allow-origin')).toBe(page);
  expect(listed.headers.get('access-control-allow-credentials')).toBe('true');
  expect(listed.headers.get('vary')).toContain('Origin');
  expect(other.headers.get('access-control-allow-origin')).toBeNull();
  expect([listed.status, other.status]).toEqual([200, 200]);
});

const form = { 'content-type': 'text/plain' };
const forms = [
  form,
  { 'content-type': 'application/x-www-form-urlencoded' },
  { 'content-type': 'multipart/form-data; boundary=x' },
];

test.each(forms)(
  'a form of another page cannot use the password that the browser knows: %j',
  async (type) => {
    await using t = await openServer({ cors: { enabled: true, accessList: ['*', page] } });

    const foreign = await ask(t, 'POST', 'https://elsewhere.example', type);

    expect(foreign.status).toBe(403);
    expect(await foreign.json()).toEqual({
      error:
        "A page of another origin (https://elsewhere.example) must send its request as 'Content-Type: application/json'",
    });
    const own = `http://127.0.0.1:${t.server.port}`;
    for (const origin of [page, own, undefined])
      expect((await ask(t, 'POST', origin, type)).status).toBe(200);
  },
);

test('nor where no page of another origin may use the API at all', async () => {
  await using t = await openServer({ cors: { enabled: false, accessList: [page] } });

  expect((await ask(t, 'POST', page, form)).status).toBe(403);
  expect((await ask(t, 'POST', undefined, form)).status).toBe(200);
});

test('with * any origin may ask, without cookies', async () => {
  await using t = await openServer({ cors: { enabled: true, accessList: ['*'] } });

  const { headers } = await ask(t, 'POST', page);

  expect(headers.get('access-control-allow-origin')).toBe('*');
  expect(headers.get('access-control-allow-credentials')).toBeNull();
});

test('a browser that asks first is told what it may send', async () => {
  await using t = await openServer({ cors: { enabled: true, accessList: [page] } });

  const told = await ask(t, 'OPTIONS', page);
  const stranger = await ask(t, 'OPTIONS', 'https://elsewhere.example');

  expect(told.status).toBe(204);
  expect(told.headers.get('access-control-allow-methods')).toBe('GET, POST, OPTIONS');
  expect(told.headers.get('access-control-allow-headers')).toContain('Authorization');
  expect(stranger.headers.get('access-control-allow-methods')).toBeNull();
});

test('switched off, no origin is told anything', async () => {
  await using t = await openServer({ cors: { enabled: false, accessList: ['*'] } });

  expect((await ask(t, 'POST', page)).headers.get('access-control-allow-origin')).toBeNull();
});
