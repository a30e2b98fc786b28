import { pino } from 'pino';
import { expect, test } from 'vitest';
import { dog, makeDogs } from '../operation/dog.ts';
import { openServer } from './open-server.ts';

const bob = `Basic ${Buffer.from('bob:secret').toString('base64')}`;
const insert = { operation: 'insert', ...dog, records: [{ id: 1, name: 'Rex' }] };

function permission(granted: object): object {
  const none = { read: false, insert: false, update: false, delete: false, attribute_permissions: [] };
  return { super_user: false, dev: { tables: { dog: { ...none, ...granted } } } };
}

test('a user of a role is refused with what is missing, until the role grants it', async () => {
  await using t = await openServer();
  await makeDogs(t);
  await t.post({ operation: 'add_role', role: 'reader', permission: permission({ read: true }) });
  await t.post({ operation: 'add_user', username: 'bob', password: 'secret', role: 'reader', active: true });

  expect(await t.post(insert, bob)).toEqual({
    status: 403,
    body: {
      error: 'This operation is not authorized due to role restrictions and/or invalid database items',
      unauthorized_access: [
        { ...dog, required_table_permissions: ['insert'], required_attribute_permissions: [] },
      ],
      invalid_schema_items: [],
    },
  });

  await t.post({
    operation: 'alter_role',
    id: 'reader',
    permission: permission({ read: true, insert: true }),
  });
  expect(await t.post(insert, bob)).toMatchObject({ status: 200, body: { inserted_hashes: [1] } });
});

test.each([
  [
    { operation: 'add_user', username: 'admin', password: 'x', role: 'super_user' },
    409,
    { error: 'User admin already exists' },
  ],
  [
    { operation: 'add_role', role: 'super_user', permission: {} },
    409,
    { error: "A role with name 'super_user' already exists" },
  ],
  [
    { operation: 'drop_role', id: 'super_user' },
    409,
    { error: 'Cannot drop role super_user as it has active user(s) tied to this role' },
  ],
  [{ operation: 'drop_role', id: 'x' }, 404, { error: 'Role not found' }],
  [{ operation: 'drop_user', username: 'x' }, 404, { error: 'User x does not exist' }],
  [{ operation: 'alter_user' }, 500, { error: 'username is required' }],
  [
    { operation: 'add_role', role: 'r', permission: { x: {} } },
    400,
    {
      error: 'Errors in the role permissions JSON provided',
      main_permissions: ["database 'x' does not exist"],
      schema_permissions: {},
    },
  ],
])('%j is answered with %i', async (body, status, answer) => {
  await using t = await openServer();

  expect(await t.post(body)).toEqual({ status, body: answer });
});

test('every refusal is logged with where it came from, and without what was sent', async () => {
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push(line) });
  await using t = await openServer({ log });
  await t.post({ operation: 'add_role', role: 'nothing', permission: {} });
  await t.post({ operation: 'add_user', username: 'bob', password: 'secret', role: 'nothing' });

  await t.post(insert, bob);
  await t.post(insert, '');
  await t.post(insert, 'Bearer abc');

  const lines = logged.map((line) => JSON.parse(line) as Record<string, unknown>);
  const refused = { msg: 'request refused', address: '127.0.0.1' };
  expect(lines).toMatchObject([
    { ...refused, status: 403 },
    { ...refused, status: 401 },
    { ...refused, status: 401 },
  ]);
  expect(logged.join('')).not.toMatch(/secret|Rex|abc/);
});

test('strangers cannot fill the log', async () => {
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push(line) });
  await using t = await openServer({ log });

  for (let count = 0; count < 20; count += 1) await t.post(insert, '');

  expect(logged.filter((line) => line.includes('request refused'))).toHaveLength(5);
});
