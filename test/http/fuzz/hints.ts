import fc from 'fast-check';
import { comparators } from '../../../src/model/query.ts';
import { hostileName, hostileValue } from './hostile.ts';

/** Mostly something that is there, else something that is not, or cannot be. */
function oneOf(...known: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 14, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: hostileName },
  );
}

const database = oneOf('dev', 'dev', 'dev', 'dev', 'data', 'data', 'empty', 'system', 'nowhere');
const table = oneOf('dog', 'dog', 'dog', 'dog', 'cat', 'declared', 'fish');
const attribute = oneOf('id', 'name', 'name', 'name', 'age', 'tags', 'tags', '__createdtime__', 'new');
const key = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom('a', '1', '', ' ', 'x'.repeat(901)));
const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<unknown>('Rex', 'R*', '*', '*x', 1, 3, 2.5, true, null, ['a']) },
  { weight: 1, arbitrary: hostileValue },
);

const record = fc
  .tuple(fc.dictionary(attribute, value, { maxKeys: 4, noNullPrototype: true }), fc.option(key))
  .map(([fields, id]) => (id === null ? fields : { ...fields, id }));
const records = fc.array(record, { maxLength: 4 });

const ordered = fc.constantFrom<unknown>('Rex', 'R', '', 1, 2.5, -1, 'x'.repeat(5_000));
const condition = fc.oneof(
  fc.record({ attribute, comparator: fc.constantFrom(...comparators), value: ordered }),
  fc.record({ attribute, comparator: fc.constant('between'), value: fc.tuple(ordered, ordered) }),
  fc.record({ attribute, comparator: fc.constantFrom(...comparators), value }),
);
const group = fc.record(
  {
    operator: fc.constantFrom('and', 'or', 'OR'),
    conditions: fc.array(condition, { minLength: 1, maxLength: 3 }),
  },
  { noNullPrototype: true },
);
const conditions = fc.array(fc.oneof(condition, condition, condition, group), { minLength: 1, maxLength: 3 });

const rights = { read: true, insert: true, update: false, delete: false };
const permission = fc.oneof(
  fc.constantFrom<unknown>(
    { super_user: true },
    { cluster_user: true },
    { structure_user: ['dev'] },
    { structure_user: true },
    {},
  ),
  fc.tuple(database, table, fc.array(attribute, { maxLength: 2 })).map(([schema, name, attributes]) => ({
    [schema]: {
      tables: {
        [name]: {
          ...rights,
          attribute_permissions: attributes.map((attribute_name) => ({ attribute_name, ...rights })),
        },
      },
    },
  })),
);

const sqlText = fc
  .tuple(
    fc.constantFrom(
      'SELECT *',
      'SELECT id, name',
      'SELECT count(*)',
      'DELETE',
      "UPDATE dev.dog SET name='x'",
      'INSERT INTO dev.dog (id, name) VALUES (7, NULL)',
    ),
    oneOf('FROM dev.dog', 'FROM dev.cat', 'FROM data.nothing', ''),
    oneOf('WHERE id = 1', "WHERE name LIKE 'R%' AND age > 2", 'WHERE id IN (1,2)', 'WHERE id = 1e999', ''),
    oneOf('ORDER BY name DESC', 'LIMIT 2 OFFSET 1', 'LIMIT 99999999999999999999', ''),
  )
  .map((parts) => parts.join(' '));

const time = fc.oneof(
  fc.constantFrom<unknown>(
    '2020-01-01',
    '2024-02-30',
    '2030-01-01T00:00:00.000Z',
    '9999-12-31T23:59:59Z',
    0,
    1e15,
    1e300,
  ),
  fc.integer({ min: 0, max: 2 ** 45 }),
);

const day = oneOf('2020-01-01', '2030-01-01', '2030-01-01T00:00:00.000Z', '2024-02-30');
const instant = oneOf('2024-01-01T00:00:00.000Z', '9999-12-31T23:59:59Z', '2024-02-30T00:00:00Z');

const search = fc.record(
  {
    operation: fc.constantFrom('search_by_value', 'search_by_id', 'search_by_hash', 'search_by_conditions'),
    database,
    table,
    attribute,
    value,
    ids: fc.array(key, { maxLength: 3 }),
    conditions,
    get_attributes: fc.array(attribute, { maxLength: 3 }),
  },
  { requiredKeys: ['operation', 'database', 'table'], noNullPrototype: true },
);

const user = oneOf('u1', 'u1', 'u1', 'u2');
const role = oneOf('r1', 'r1', 'r2', 'super_user');

/** By the name of a field. What they leave out is drawn from the schema of the field. */
export const hints: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  database,
  schema: database,
  table,
  tables: fc.array(table, { maxLength: 2 }),
  attribute,
  primary_key: oneOf('id', 'name'),
  name: oneOf('id', 'name', 'n2', 'n3'),
  records,
  ids: fc.array(fc.oneof(key, hostileValue), { maxLength: 4 }),
  hash_values: fc.array(key, { maxLength: 4 }),
  search_values: fc.array(fc.oneof(key, fc.constant('admin')), { maxLength: 3 }),
  value,
  conditions,
  get_attributes: fc.array(oneOf('*', 'id', 'name'), { maxLength: 3 }),
  search_operation: search,
  sql: sqlText,
  data: oneOf('id,name\n1,Rex\n', 'id,name\n,\n', 'name\nx\n', '__proto__,id\n1,2\n', 'id,id\n1,2\n', '"'),
  file_path: oneOf('load.csv', 'link.csv', '../secret', 'missing.csv', '.', '/etc/passwd'),
  // Nothing outside this machine: these are refused, or nobody answers there.
  csv_url: fc.constantFrom(
    'http://127.0.0.1:1/',
    'http://[::1]/x',
    'http://169.254.169.254/latest',
    'http://0x7f000001/',
    'file:///etc/passwd',
    'ftp://127.0.0.1/',
    'http://',
    'not a url',
    'http://user:pass@10.0.0.1/',
    '\0',
  ),
  passthrough_headers: fc.constantFrom<unknown>({}, { 'x-a': '1' }, { 'a b': 'c' }, { a: 'b\r\nc: d' }),
  path: oneOf('.', '.', 'sub', '..', '/', 'link'),
  filename: oneOf('out', 'out2', '.hidden', 'a/b'),
  date: time,
  timestamp: time,
  from_date: day,
  to_date: day,
  start_time: instant,
  opt_start_time: instant,
  channel: oneOf('dev:dog', 'data:dog', 'dog'),
  id: oneOf('r1', 'c1', 'q1', 'q1', 'primary', 'unknown'),
  username: user,
  password: oneOf('secret', 'secret'),
  role,
  active: fc.boolean(),
  permission,
  service: oneOf('http', 'clustering', 'clustering_config'),
  node_name: oneOf('n2', 'n2', 'n3', 'n1'),
  hostname: oneOf('n2', 'n3'),
  url: oneOf('wss://n2:9933', 'n2', 'http://[::1', 'wss://n3'),
  host: oneOf('127.0.0.1', 'n2'),
  routes: fc.array(
    fc.oneof(
      fc.record({ host: oneOf('n2'), port: fc.integer({ min: -1, max: 70_000 }) }, { noNullPrototype: true }),
      fc.constantFrom('nats://n2:9932', 'n2'),
    ),
    { maxLength: 3 },
  ),
  // So that an answer comes at once.
  timeout: fc.integer({ min: 0, max: 10 }),
  cursor: oneOf('', '', 'e30', Buffer.from('{"query":"x","after":[]}').toString('base64url')),
  log_name: oneOf('hdb.log', '..', 'missing.log'),
  replicated: fc.boolean(),
  refresh_token: oneOf('a.b.c', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJyZWZyZXNoIn0.'),
  expiration: fc.constantFrom(undefined, 5),
};
