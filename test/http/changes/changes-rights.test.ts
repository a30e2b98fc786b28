import { expect, test } from 'vitest';
import { dog } from '../../operation/dog.ts';
import { putQuickUser } from '../../operation/quick-user.ts';
import { openServer, type TestServer } from '../open-server.ts';
import { EventReader } from './event-reader.ts';

const none = { read: false, insert: false, update: false, delete: false, attribute_permissions: [] };
const attribute = (name: string, read: boolean): object => ({
  ...{ attribute_name: name, read, insert: true, update: false },
});

/** Roles by name: what each may do with `dev.dog`. */
const roles: Readonly<Record<string, object>> = {
  reader: { ...none, read: true },
  writer: { ...none, insert: true, update: true },
  nobody: none,
  nameOnly: { ...none, read: true, insert: true, attribute_permissions: [attribute('name', true)] },
  nothingReadable: { ...none, read: true, insert: true, attribute_permissions: [attribute('name', false)] },
};

const permissionOf = (role: string): object => ({ dev: { tables: { dog: roles[role] } } });

/** `dev.dog` and `dev.cat`, each with a row, and a user of the same name for each role. */
async function openWithRoles(changeTimes = {}): Promise<TestServer> {
  const t = await openServer({ changeTimes });
  for (const table of ['dog', 'cat']) {
    await t.post({ operation: 'create_table', schema: 'dev', table, primary_key: 'id' });
    await t.post({ operation: 'insert', schema: 'dev', table, records: [{ id: 0, name: 'a', secret: 's' }] });
  }
  for (const role of Object.keys(roles)) {
    const added = await t.post({ operation: 'add_role', role, permission: permissionOf(role) });
    expect(added).toMatchObject({ status: 200 });
    const { id } = added.body as { readonly id: string };
    await putQuickUser(t.store, { username: role, password: 'pass', role: id });
  }
  return t;
}

const login = (role: string): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${role}:pass`).toString('base64')}`,
});

function listen(t: TestServer, role: string, lastEventId?: string): Promise<EventReader> {
  return EventReader.open(`${t.url}changes/dev/dog`, lastEventId, login(role));
}

const insert = (t: TestServer, ...records: readonly object[]): Promise<unknown> =>
  t.post({ operation: 'upsert', ...dog, records });

test.each([
  ['reader', 'dog', 200],
  ['nameOnly', 'dog', 200],
  ['writer', 'dog', 403],
  ['nobody', 'dog', 403],
  ['nothingReadable', 'dog', 403],
  ['reader', 'cat', 403],
  ['nameOnly', 'cat', 403],
  ['reader', 'cow', 403],
])('%s listens to %s: %i', async (role, table, status) => {
  await using t = await openWithRoles();

  using reader = await EventReader.open(`${t.url}changes/dev/${table}`, undefined, login(role));

  expect(reader.response.statusCode).toBe(status);
});

test('a table that is not granted answers like one that does not exist, and so does system', async () => {
  await using t = await openWithRoles();
  const refusal = async (path: string): Promise<string> => {
    const response = await fetch(`${t.url}changes/${path}`, { headers: login('reader') });
    expect(response.status).toBe(403);
    return response.text();
  };

  expect((await refusal('dev/cat')).replace('cat', 'cow')).toBe(await refusal('dev/cow'));
  await refusal('system/hdb_user');
  expect(JSON.parse(await refusal('dev/cow'))).toMatchObject({
    unauthorized_access: [],
    invalid_schema_items: ["Table 'dev.cow' does not exist"],
  });
});

test('records are told with the attributes that the role may read, to each listener by its own role', async () => {
  await using t = await openWithRoles();
  using whole = await listen(t, 'reader');
  using part = await listen(t, 'nameOnly');
  await Promise.all([whole.next(), part.next()]);

  await insert(t, { id: 1, name: 'Rex', secret: 'x' }, { id: 2, secret: 'y' });
  await t.post({ operation: 'delete', ...dog, ids: [1] });

  const times = { __createdtime__: expect.any(Number), __updatedtime__: expect.any(Number) };
  expect((await whole.take(3)).map(({ data }) => data['record'])).toEqual([
    { id: 1, name: 'Rex', secret: 'x', ...times },
    { id: 2, secret: 'y', ...times },
    null,
  ]);
  const told = await part.take(3);
  expect(told.map(({ data }) => data['record'])).toEqual([{ id: 1, name: 'Rex' }, { id: 2 }, null]);
  expect(told.map(({ data }) => data['id'])).toEqual([1, 2, 1]);
  expect(JSON.stringify(told)).not.toMatch(/secret|"y"/);
});

test('a listener that comes back is told what the role may read now, of what was committed before too', async () => {
  await using t = await openWithRoles();
  using before = await listen(t, 'reader');
  const ready = await before.next();
  await insert(t, { id: 1, name: 'Rex', secret: 'x' });
  expect((await before.next()).data).toMatchObject({ record: { secret: 'x' } });

  await t.post({ operation: 'alter_role', id: 'reader', permission: permissionOf('nameOnly') });
  using after = await listen(t, 'reader', ready.id);

  expect((await after.next()).event).toBe('ready');
  expect((await after.next()).data).toMatchObject({ id: 1, record: { id: 1, name: 'Rex' } });
});

test('a role that is narrowed while a listener is there counts for what comes then, and one that ends sends it away', async () => {
  const recheckMs = 20;
  await using t = await openWithRoles({ recheckMs });
  using reader = await listen(t, 'reader');
  await reader.next();
  let id = 0;
  const nextRecord = async (): Promise<unknown> => {
    id += 1;
    await insert(t, { id, name: 'Rex', secret: 'x' });
    return (await reader.next()).data['record'];
  };
  expect(await nextRecord()).toHaveProperty('secret');

  await t.post({ operation: 'alter_role', id: 'reader', permission: permissionOf('nameOnly') });
  await expect.poll(nextRecord, { interval: recheckMs }).toEqual({ id: expect.any(Number), name: 'Rex' });

  await t.post({ operation: 'alter_role', id: 'reader', permission: permissionOf('nobody') });
  await expect.poll(async () => (await reader.next()).event, { interval: 1 }).toBe('end');
});
