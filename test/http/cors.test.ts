import { expect, test } from 'vitest';
import { admin, openServer, type TestServer } from './open-server.ts';

const page = 'https://studio.example';

function ask(t: TestServer, method: string, origin?: string): Promise<Response> {
  return fetch(t.url, {
    method,
    headers: { authorization: admin, ...(origin === undefined ? {} : { origin }) },
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
