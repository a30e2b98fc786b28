import { expect, test } from 'vitest';
import { makeDogs } from './dog.ts';
import { clusterUser, openContext, type TestContext } from './open-context.ts';

async function openDogs(): Promise<TestContext & { sql(text: string): Promise<unknown> }> {
  const t = await openContext();
  await makeDogs(t, [
    { id: 1, name: 'Rex', age: 3, good: true },
    { id: 2, name: 'Ron', age: 5, good: false },
    { id: 3, name: 'Bella', age: 7 },
    { id: 4, name: 'Axel', age: 9 },
  ]);
  return Object.assign(t, { sql: (text: string) => t.call({ operation: 'sql', sql: text }) });
}

test.each([
  ['SELECT id FROM dev.dog WHERE age > 3 AND age <= 7', [{ id: 2 }, { id: 3 }]],
  ["select id from dev.dog where name like 'R%' or name like '%el'", [{ id: 1 }, { id: 2 }, { id: 4 }]],
  ["SELECT id FROM dev.dog WHERE name LIKE '%ell%'", [{ id: 3 }]],
  ["SELECT id FROM dev.dog WHERE name = 'Rex'", [{ id: 1 }]],
  ['SELECT id FROM dev.dog WHERE good = true', [{ id: 1 }]],
  ['SELECT id FROM dev.dog WHERE id IN (1, 4)', [{ id: 1 }, { id: 4 }]],
  ['SELECT id FROM dev.dog WHERE age BETWEEN 5 AND 7', [{ id: 2 }, { id: 3 }]],
  ['SELECT id FROM dev.dog WHERE id != 1 AND (age = 5 OR age = 9)', [{ id: 2 }, { id: 4 }]],
  ['SELECT id, name AS n FROM `dev`.`dog` ORDER BY age DESC LIMIT 1 OFFSET 1', [{ id: 3, n: 'Bella' }]],
  ['SELECT id FROM dev.dog ORDER BY id LIMIT 1, 2', [{ id: 2 }, { id: 3 }]],
  ['SELECT COUNT(*) FROM dev.dog WHERE age > 3', [{ 'COUNT(*)': 3 }]],
  ['SELECT count(*) AS many FROM dev.dog', [{ many: 4 }]],
  ['SELECT COUNT(*) FROM dev.dog LIMIT 1', [{ 'COUNT(*)': 4 }]],
  ['SELECT COUNT(*) FROM dev.dog WHERE age > 3 ORDER BY age LIMIT 2 OFFSET 0', [{ 'COUNT(*)': 3 }]],
  ['SELECT COUNT(*) FROM dev.dog LIMIT 2 OFFSET 1', []],
  ['SELECT COUNT(*) FROM dev.dog LIMIT 0', []],
  [
    'SELECT d.id, d.name AS n FROM dev.dog AS d WHERE (d.age = 7 OR d.age = 9) AND d.id IN (3)',
    [{ id: 3, n: 'Bella' }],
  ],
  ['SELECT dog.id FROM dev.dog WHERE dog.age > 3 ORDER BY dog.age DESC LIMIT 1', [{ id: 4 }]],
  ['SELECT dev.dog.id FROM dev.dog WHERE dev.dog.id = 2', [{ id: 2 }]],
  ['SELECT COUNT(*) FROM dev.dog d WHERE d.age BETWEEN 3 AND 5', [{ 'COUNT(*)': 2 }]],
])('%s', async (text, rows) => {
  await using t = await openDogs();

  expect(await t.sql(text)).toEqual(rows);
});

test.each([
  ['SELECT * FROM default.dog', "from '.dog' on"],
  ['SELECT id, limit FROM dev.dog', "from 'FROM dev.dog' on"],
  [`SELECT id FROM dev.dog order ${'x'.repeat(40)}`, `from '${'x'.repeat(30)}...' on`],
  ['SELECT id FROM dev.dog WHERE', 'at its end'],
])('%s is refused with the place where it is no SQL, and what to do with names', async (text, place) => {
  await using t = await openDogs();

  await expect(t.sql(text)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining(
      `This is not SQL that can be read, ${place}; a name that is a word of SQL, as default or limit, stands in backticks. Supported are:`,
    ),
  });
});

test('names that are words of SQL are read in backticks', async () => {
  await using t = await openContext();
  await t.call({ operation: 'create_table', schema: 'default', table: 'order', hash_attribute: 'id' });
  await t.call({
    operation: 'insert',
    schema: 'default',
    table: 'order',
    records: [{ id: 1, limit: 'low' }],
  });

  expect(
    await t.call({ operation: 'sql', sql: 'SELECT `limit` FROM `default`.`order` WHERE `limit` = "low"' }),
  ).toEqual([{ limit: 'low' }]);
});

test('SELECT * shows whole records', async () => {
  await using t = await openDogs();

  expect(await t.sql('SELECT * FROM dev.dog WHERE id = 3')).toMatchObject([
    { id: 3, name: 'Bella', age: 7, good: null, __createdtime__: expect.any(Number) },
  ]);
});

test('UPDATE and DELETE may name their table beside its attributes', async () => {
  await using t = await openDogs();

  expect(await t.sql("UPDATE dev.dog AS d SET d.name = 'Young' WHERE d.age < 4")).toMatchObject({
    update_hashes: [1],
  });
  expect(await t.sql("DELETE FROM dev.dog WHERE dog.name = 'Young'")).toMatchObject({ deleted_hashes: [1] });
  expect(await t.sql('SELECT d.* FROM dev.dog d WHERE d.id = 3')).toMatchObject([{ id: 3, name: 'Bella' }]);
});

test('INSERT, UPDATE and DELETE answer as the operations do', async () => {
  await using t = await openDogs();

  expect(await t.sql("INSERT INTO dev.dog (id, name, age) VALUES (5, 'New', -1), (1, 'Old', 2)")).toEqual({
    message: 'inserted 1 of 2 records',
    inserted_hashes: [5],
    skipped_hashes: [1],
  });
  expect(await t.sql("UPDATE dev.dog SET name = 'Young', age = 4 WHERE age < 4")).toEqual({
    message: 'updated 2 of 2 records',
    update_hashes: [5, 1],
    skipped_hashes: [],
  });
  expect(await t.sql('UPDATE dev.dog SET age = 4 WHERE id = 99')).toMatchObject({
    message: 'updated 0 of 0 records',
  });
  expect(await t.sql("DELETE FROM dev.dog WHERE name = 'Young'")).toEqual({
    message: '2 of 2 records successfully deleted',
    deleted_hashes: [1, 5],
    skipped_hashes: [],
  });
  expect(await t.sql('SELECT COUNT(*) FROM dev.dog')).toEqual([{ 'COUNT(*)': 3 }]);
});

const literals: readonly (readonly [string, unknown])[] = [
  ['71.5', 71.5],
  ['-0.25', -0.25],
  ['5.', 5],
  ['1.5E-3', 0.0015],
  ['-1e3', -1000],
  ['9007199254740991', 9007199254740991],
  ['-9007199254740991', -9007199254740991],
  ['-9007199254740992', -9007199254740992],
  ['-9007199254740993.5', JSON.parse('-9007199254740993.5')],
  ['0.1234567890123456789', JSON.parse('0.1234567890123456789')],
  ['true', true],
  ['FALSE', false],
  ["'71.5'", '71.5'],
  ["''", ''],
  ["''''", "'"],
  ["'O''Brien'", "O'Brien"],
  [String.raw`'O\'Brien'`, "O'Brien"],
  [`'say ""hi""'`, 'say ""hi""'],
  [`"say ""hi"""`, 'say "hi"'],
  [`"it''s"`, "it''s"],
  [String.raw`"\"\'"`, `"'`],
  [String.raw`'\0\b\n\r\t\Z'`, '\0\b\n\r\t\u001a'],
  [String.raw`'a\\'`, 'a\\'],
  [String.raw`'a\\''b'`, String.raw`a\'b`],
  [String.raw`'\\n \\0 \\u0041'`, String.raw`\n \0 \u0041`],
  // Other letters stand for themselves, as in MySQL.
  [String.raw`'\x\f\u0041\ud800\/'`, 'xfu0041ud800/'],
  [String.raw`'50\% \_'`, String.raw`50\% \_`],
  ["'two\nlines'", 'two\nlines'],
  ["'\\\n'", '\n'],
  ["'😀\\😀'", '😀😀'],
  ["'-- a; /* b */'", '-- a; /* b */'],
];

test('a value is the same in INSERT, UPDATE and WHERE', async () => {
  await using t = await openDogs();
  const stored: (readonly [string, unknown])[] = [];

  for (const [literal] of literals) {
    await t.sql(`INSERT INTO dev.dog (id, tag) VALUES (5, ${literal})`);
    await t.sql(`UPDATE dev.dog SET note = ${literal} WHERE tag IN ('none', ${literal})`);
    const rows = (await t.sql(`SELECT tag FROM dev.dog WHERE note = ${literal} AND id = 5`)) as {
      tag: unknown;
    }[];
    stored.push([literal, rows[0]?.tag]);
    await t.sql('DELETE FROM dev.dog WHERE id = 5');
  }

  expect(stored).toEqual(literals);
});

test('decimals and quotes count in comparisons', async () => {
  await using t = await openDogs();
  await t.sql(
    String.raw`INSERT INTO dev.dog (id, name, age) VALUES (5, 'O''Brien', 71.5), (6, '50%_\\x', 0.5)`,
  );
  const ids = async (where: string): Promise<unknown> => {
    const rows = (await t.sql(`SELECT id FROM dev.dog WHERE ${where}`)) as { id: number }[];
    return rows.map(({ id }) => id);
  };

  expect(await ids('age > 71.25')).toEqual([5]);
  expect(await ids('age BETWEEN -0.5 AND 0.5')).toEqual([6]);
  expect(await ids("name LIKE 'O''%'")).toEqual([5]);
  expect(await ids(String.raw`name LIKE '%\'B%'`)).toEqual([5]);
  expect(await ids(String.raw`name LIKE '50\%\_%'`)).toEqual([6]);
  expect(await ids(String.raw`name LIKE '50\%'`)).toEqual([]);
  // The string halves the backslashes, and the pattern again.
  expect(await ids(String.raw`name LIKE '%\\\\x'`)).toEqual([6]);
});

test.each([
  'SELECT cat.id FROM dev.dog',
  'SELECT dog.id FROM dev.dog d',
  'SELECT dev.cat.id FROM dev.dog',
  'SELECT test.dog.id FROM dev.dog',
  'SELECT age AS name FROM dev.dog d ORDER BY d.name',
  'UPDATE dev.dog SET cat.age = 1',
  'SELECT id FROM dev.dog JOIN dev.cat ON dog.id = cat.id',
  'SELECT id FROM dev.dog, dev.cat',
  'SELECT DISTINCT name FROM dev.dog',
  'SELECT name, COUNT(*) FROM dev.dog GROUP BY name',
  'SELECT MAX(age) FROM dev.dog',
  'SELECT COUNT(name) FROM dev.dog',
  'SELECT age + 1 FROM dev.dog',
  'SELECT id FROM dev.dog WHERE NOT age = 1',
  'SELECT id FROM dev.dog WHERE age IS NULL',
  'SELECT id FROM dev.dog WHERE age = id',
  "SELECT id FROM dev.dog WHERE name LIKE 'R_x'",
  "SELECT id FROM dev.dog WHERE name LIKE 'R|%' ESCAPE '|'",
  "SELECT id FROM dev.dog WHERE name = 'Rex' COLLATE utf8_bin",
  'SELECT id FROM dev.dog WHERE age < 1.5e400',
  'INSERT INTO dev.dog (id, age) VALUES (9, -1.5e400)',
  "SELECT id FROM dev.dog WHERE name NOT LIKE 'R%'",
  'SELECT id FROM dev.dog WHERE id IN (SELECT id FROM dev.cat)',
  'SELECT id FROM dev.dog UNION SELECT id FROM dev.cat',
  'SELECT id AS n, name AS n FROM dev.dog',
  '(SELECT id FROM dev.dog) LIMIT 1',
  '(SELECT id FROM dev.dog LIMIT 2) ORDER BY name',
  "SELECT id FROM dev.dog WHERE name COLLATE utf8_general_ci = 'rex'",
  'SELECT id FROM dev.dog WHERE age = 3 COLLATE utf8_bin',
  'SELECT id FROM dev.dog ORDER BY name COLLATE utf8_bin',
  'SELECT id FROM dev.dog ORDER BY "name"',
  'SELECT id FROM dev.dog ORDER BY 1',
  'SELECT id FROM dev.dog LIMIT -1',
  'SELECT id FROM dev.dog FOR UPDATE',
  'SELECT 1',
  'SELECT id FROM dev.dog; DELETE FROM dev.dog',
  "SELECT id FROM dev.dog WHERE name = 'x''; DELETE FROM dev.dog",
  ';DELETE FROM dev.dog',
  'INSERT INTO dev.dog VALUES (9)',
  'INSERT INTO dev.dog (id, age, age) VALUES (9, 1, 2)',
  'INSERT INTO dev.dog (id, name) VALUES (9)',
  'INSERT INTO dev.dog (id) SELECT id FROM dev.cat',
  'REPLACE INTO dev.dog (id) VALUES (9)',
  'UPDATE dev.dog SET age = age + 1',
  'DELETE FROM dev.dog LIMIT 1',
  'DELETE cat FROM dev.dog',
  'DELETE dev.cat FROM dev.dog WHERE id = 1',
  'DELETE cat, bird FROM dev.dog',
  'DELETE QUICK FROM dev.dog',
  'DROP TABLE dev.dog',
  'TRUNCATE dev.dog',
  'this is not sql',
  "'",
])('%s is refused with what is supported, and changes nothing', async (text) => {
  await using t = await openDogs();

  await expect(t.sql(text)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('Supported are: SELECT'),
  });
  expect(await t.sql('SELECT COUNT(*) FROM dev.dog')).toEqual([{ 'COUNT(*)': 4 }]);
});

test('WHERE holds in the commit: what another statement has changed meanwhile is left as it is', async () => {
  await using t = await openDogs();
  await t.sql("UPDATE dev.dog SET owner = 'free'");

  const [first, second, removal, name] = await Promise.all([
    t.sql("UPDATE dev.dog SET owner = 'Ann' WHERE id = 1 AND owner = 'free'"),
    t.sql("UPDATE dev.dog SET owner = 'Ben' WHERE id IN (1, 2) AND owner = 'free'"),
    t.sql("DELETE FROM dev.dog WHERE owner = 'free' OR age > 8"),
    t.sql("UPDATE dev.dog SET name = 'Free' WHERE owner = 'free'"),
  ]);

  expect(first).toEqual({ message: 'updated 1 of 1 records', update_hashes: [1], skipped_hashes: [] });
  expect(second).toEqual({ message: 'updated 1 of 2 records', update_hashes: [2], skipped_hashes: [1] });
  expect(removal).toEqual({
    message: '2 of 4 records successfully deleted',
    deleted_hashes: [3, 4],
    skipped_hashes: [1, 2],
  });
  expect(name).toEqual({
    message: 'updated 0 of 4 records',
    update_hashes: [],
    skipped_hashes: [1, 2, 3, 4],
  });
  expect(await t.sql('SELECT id, name, owner FROM dev.dog')).toEqual([
    { id: 1, name: 'Rex', owner: 'Ann' },
    { id: 2, name: 'Ron', owner: 'Ben' },
  ]);
});

test.each([
  ['DELETE FROM dev.dog WHERE id = 5--1 AND age = 9', "'--' begins a comment only where a space follows it"],
  ['DELETE FROM dev.dog --WHERE id = 9', "'--' begins a comment only where a space follows it"],
  ['DELETE FROM dev.dog WHERE age > 1 /*! AND id = 9 */', 'Comments that MySQL runs (/*! */) are not read'],
  [
    'DELETE FROM dev.dog WHERE age > 1 /*M!100 AND id = 9 */',
    'Comments that MySQL runs (/*! */) are not read',
  ],
  ['UPDATE dev.dog SET `na\\fme` = 1', 'A name in backticks cannot hold a backslash'],
])('%s: one thing here, another elsewhere: is refused, and changes nothing', async (text, message) => {
  await using t = await openDogs();
  const before = await t.sql('SELECT * FROM dev.dog');

  await expect(t.sql(text)).rejects.toMatchObject({ code: 'invalid_request', message });
  expect(await t.sql('SELECT * FROM dev.dog')).toEqual(before);
});

test.each([
  ['SELECT id FROM dev.dog WHERE age = 3 -- OR id = 2', [{ id: 1 }]],
  ['SELECT id FROM dev.dog WHERE age = 3 --\n OR id = 2', [{ id: 1 }, { id: 2 }]],
  ['SELECT id FROM dev.dog WHERE age = 3 # OR id = 2\r\n OR id = 3', [{ id: 1 }, { id: 3 }]],
  ['SELECT id FROM dev.dog WHERE age = 3 #> 5', [{ id: 1 }]],
  ["SELECT id/* ' */FROM/**/dev.dog WHERE name = '/* x */' OR id = 2 -- it's", [{ id: 2 }]],
  ["SELECT id FROM dev.dog WHERE name = '# x' OR name = \"-- x\" OR `name` = '`--x' OR id = 2;", [{ id: 2 }]],
  ['(SELECT id FROM dev.dog WHERE id = 1);', [{ id: 1 }]],
])('comments say nothing: %j', async (text, rows) => {
  await using t = await openDogs();

  expect(await t.sql(text)).toEqual(rows);
});

test('ORDER BY means the columns of the answer first', async () => {
  await using t = await openDogs();

  expect(await t.sql('SELECT age AS name, id AS age FROM dev.dog ORDER BY name DESC LIMIT 2')).toEqual([
    { name: 9, age: 4 },
    { name: 7, age: 3 },
  ]);
  expect(await t.sql('SELECT name AS n FROM dev.dog ORDER BY n LIMIT 2')).toEqual([
    { n: 'Axel' },
    { n: 'Bella' },
  ]);
  expect(await t.sql('SELECT name AS n FROM dev.dog ORDER BY name DESC LIMIT 1')).toEqual([{ n: 'Ron' }]);
});

test.each(['9007199254740993', '12345678901234567890', '-9007199254740993'])(
  'the integer %s, which is kept as another one, touches no record',
  async (wide) => {
    await using t = await openDogs();
    await t.sql(
      'INSERT INTO dev.dog (id, name) VALUES (9007199254740992, "neighbour"), (-9007199254740992, "neighbour")',
    );
    const message = `The number ${wide} would be kept as another one: send it as text, in quotes`;

    for (const text of [
      `DELETE FROM dev.dog WHERE id = ${wide}`,
      `UPDATE dev.dog SET name = 'x' WHERE id = ${wide}`,
      `SELECT id FROM dev.dog WHERE id IN (1, ${wide})`,
      `INSERT INTO dev.dog (id) VALUES (${wide})`,
    ])
      await expect(t.sql(text)).rejects.toMatchObject({ code: 'invalid_request', message });
    expect(await t.sql("SELECT id FROM dev.dog WHERE name = 'neighbour'")).toEqual([
      { id: -9007199254740992 },
      { id: 9007199254740992 },
    ]);
  },
);

test('what the operations refuse is refused in SQL too', async () => {
  await using t = await openDogs();

  await expect(t.sql('SELECT id FROM dev.cat')).rejects.toThrow("Table 'dev.cat' does not exist");
  await expect(t.sql('SELECT wings FROM dev.dog')).rejects.toThrow("unknown attribute 'wings'");
  await expect(t.sql('DELETE FROM dev.dog WHERE wings = 2')).rejects.toThrow("unknown attribute 'wings'");
  await expect(t.sql('UPDATE dev.dog SET id = 2')).rejects.toThrow('primary key');
  await expect(t.sql('SELECT password FROM system.hdb_user')).rejects.toThrow('unknown attribute');
  await expect(t.sql("DELETE FROM system.hdb_job WHERE id = 'x'")).rejects.toThrow(
    "The 'system' database, tables and records are used internally",
  );
  await expect(t.call({ operation: 'sql', sql: 'SELECT * FROM dev.dog' }, clusterUser)).rejects.toMatchObject(
    {
      code: 'forbidden',
    },
  );
  await expect(t.sql(`SELECT id FROM dev.dog WHERE name = '${'x'.repeat(40_000)}'`)).rejects.toThrow(
    'characters',
  );
});
