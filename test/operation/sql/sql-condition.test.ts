import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseStatement } from '../../../src/operation/sql/statement.ts';
import { matcherOf } from '../../../src/store/search/matcher.ts';
import { checkInTime } from '../../check-in-time.ts';
import { openContext, type TestContext } from '../open-context.ts';

interface Cell {
  readonly id: number;
  readonly a: number;
  readonly b: string;
  readonly c: number;
}

/** Every combination of three values each. */
const cells: readonly Cell[] = [0, 1, 2].flatMap((a) =>
  ['x', 'xy', 'y'].flatMap((b, middle) =>
    [-1, 0, 1.5].map((c, last): Cell => ({ id: a * 9 + middle * 3 + last, a, b, c })),
  ),
);

interface Leaf {
  readonly sql: string;
  readonly holds: (cell: Cell) => boolean;
}

interface Junction {
  readonly operator: 'AND' | 'OR';
  readonly members: readonly Tree[];
}

type Tree = Leaf | Junction;

const leaves: readonly Leaf[] = [
  { sql: 'a = 1', holds: ({ a }) => a === 1 },
  { sql: '`a` != 1', holds: ({ a }) => a !== 1 },
  { sql: 'a<>2', holds: ({ a }) => a !== 2 },
  { sql: 'a BETWEEN 1 AND 2', holds: ({ a }) => a >= 1 },
  { sql: 'a between 0 and 1', holds: ({ a }) => a <= 1 },
  { sql: 'a IN (0, 2)', holds: ({ a }) => a !== 1 },
  { sql: "b LIKE 'x%'", holds: ({ b }) => b.startsWith('x') },
  { sql: "b like '%y'", holds: ({ b }) => b.endsWith('y') },
  { sql: 'b = "y"', holds: ({ b }) => b === 'y' },
  { sql: "b >= 'xy'", holds: ({ b }) => b >= 'xy' },
  { sql: "b in ('x')", holds: ({ b }) => b === 'x' },
  { sql: 'c=-1', holds: ({ c }) => c === -1 },
  { sql: 'c < 0.5', holds: ({ c }) => c < 0.5 },
  { sql: 'c > -1', holds: ({ c }) => c > -1 },
];

const tree = fc.letrec<{ tree: Tree; junction: Tree; leaf: Tree }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4, withCrossShrink: true }, tie('leaf'), tie('junction')),
  junction: fc.record({
    operator: fc.constantFrom('AND', 'OR'),
    members: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
  }),
  leaf: fc.constantFrom(...leaves),
})).junction;

function holds(one: Tree, cell: Cell): boolean {
  if (!('members' in one)) return one.holds(cell);
  return one.operator === 'AND'
    ? one.members.every((member) => holds(member, cell))
    : one.members.some((member) => holds(member, cell));
}

/** With parentheses only where AND would bind something else without them. */
function minimal(one: Tree): string {
  if (!('members' in one)) return one.sql;
  const told = one.members.map((member) =>
    one.operator === 'AND' && 'members' in member && member.operator === 'OR'
      ? `(${minimal(member)})`
      : minimal(member),
  );
  return told.join(` ${one.operator} `);
}

/** In lower case, with parentheses around everything. */
function full(one: Tree): string {
  if (!('members' in one)) return `(${one.sql})`;
  return `((${one.members.map(full).join(` ${one.operator.toLowerCase()} `)}))`;
}

async function openGrid(): Promise<TestContext & { sql(text: string): Promise<unknown> }> {
  const t = await openContext();
  await t.call({ operation: 'create_table', schema: 'dev', table: 'grid', primary_key: 'id' });
  await t.call({ operation: 'insert', schema: 'dev', table: 'grid', records: cells });
  return Object.assign(t, { sql: (text: string) => t.call({ operation: 'sql', sql: text }) });
}

const inOrder = (keys: readonly number[]): readonly number[] => keys.toSorted((one, other) => one - other);

test('whatever the expression and its parentheses, SELECT, UPDATE and DELETE find the records for which it holds', async () => {
  await using t = await openGrid();
  const found = async (where: string): Promise<Record<string, readonly number[]>> => {
    const selected = (await t.sql(`SELECT id FROM dev.grid WHERE ${where}`)) as { id: number }[];
    const updated = (await t.sql(`UPDATE dev.grid SET seen = 1 WHERE ${where}`)) as {
      update_hashes: number[];
    };
    const deleted = (await t.sql(`DELETE FROM dev.grid WHERE ${where}`)) as { deleted_hashes: number[] };
    await t.call({ operation: 'upsert', schema: 'dev', table: 'grid', records: cells });
    return {
      selected: inOrder(selected.map(({ id }) => id)),
      updated: inOrder(updated.update_hashes),
      deleted: inOrder(deleted.deleted_hashes),
    };
  };

  const check = async (one: Tree): Promise<void> => {
    const ids = cells.filter((cell) => holds(one, cell)).map(({ id }) => id);
    const all = { selected: ids, updated: ids, deleted: ids };

    const [short, long] = [minimal(one), full(one)];
    expect({ short, ...(await found(short)) }).toEqual({ short, ...all });
    expect({ long, ...(await found(long)) }).toEqual({ long, ...all });
  };

  await checkInTime(tree, { numRuns: 40, leastRuns: 8, limitMs: 5_000 }, check);
});

test('whatever the expression, each statement reads the same condition from it', async () => {
  const check = async (one: Tree): Promise<void> => {
    const expected = cells.filter((cell) => holds(one, cell));
    for (const where of [minimal(one), full(one)])
      for (const begin of [
        'SELECT * FROM dev.grid',
        'UPDATE dev.grid SET seen = 1',
        'DELETE FROM dev.grid',
      ]) {
        const statement = await parseStatement(`${begin} WHERE ${where}`);
        const matches = matcherOf('where' in statement ? statement.where : undefined);

        const found = cells.filter((cell) => matches({ ...cell }));
        expect({ where, found }).toEqual({ where, found: expected });
      }
  };

  await checkInTime(tree, { numRuns: 1_000, leastRuns: 50, limitMs: 5_000 }, check);
});

const precedence: readonly (readonly [string, (cell: Cell) => boolean])[] = [
  ["a = 1 OR b = 'x' AND c = 0", ({ a, b, c }) => a === 1 || (b === 'x' && c === 0)],
  ["a = 1 AND b = 'x' OR c = 0", ({ a, b, c }) => (a === 1 && b === 'x') || c === 0],
  ["(a = 1 OR b = 'x') AND c = 0", ({ a, b, c }) => (a === 1 || b === 'x') && c === 0],
  ["((a = 1 OR b = 'x')) AND c = 0", ({ a, b, c }) => (a === 1 || b === 'x') && c === 0],
  ["c = 0 AND (a = 1 OR (b = 'x'))", ({ a, b, c }) => c === 0 && (a === 1 || b === 'x')],
  [
    "a = 1 OR b = 'x' AND c = 0 OR a = 2 AND c = -1",
    ({ a, b, c }) => a === 1 || (b === 'x' && c === 0) || (a === 2 && c === -1),
  ],
  ["a BETWEEN 0 AND 1 OR b = 'x' AND c = 0", ({ a, b, c }) => a <= 1 || (b === 'x' && c === 0)],
  ["a IN (1) OR b LIKE 'x%' AND c = 0", ({ a, b, c }) => a === 1 || (b.startsWith('x') && c === 0)],
  ["c = 0 AND (a = 1 OR b IN ('x') OR a = 2)", ({ a, b, c }) => c === 0 && (a >= 1 || b === 'x')],
  [
    "c = 0 AND (a = 1 AND b IN ('x') OR a = 2)",
    ({ a, b, c }) => c === 0 && ((a === 1 && b === 'x') || a === 2),
  ],
  ["(a = 1 OR b = 'x' AND c = 0)", ({ a, b, c }) => a === 1 || (b === 'x' && c === 0)],
  ['(a) = (1) OR (c) = 0 AND (a = 2)', ({ a, c }) => a === 1 || (c === 0 && a === 2)],
];

test('AND binds before OR', async () => {
  await using t = await openGrid();

  const found: unknown[] = [];
  for (const [where] of precedence)
    found.push([where, await t.sql(`SELECT id FROM dev.grid WHERE ${where} ORDER BY id`)]);

  expect(found).toEqual(
    precedence.map(([where, holdsFor]) => [where, cells.filter(holdsFor).map(({ id }) => ({ id }))]),
  );
});

const refused: readonly string[] = [
  "NOT a = 1 OR b = 'x'",
  "b = 'x' AND NOT (a = 1)",
  'NOT (a = 1)',
  '! a = 1',
  '!a = 1',
  'a NOT IN (1)',
  'a NOT BETWEEN 0 AND 1',
  'a IS NULL OR c = 0 AND a = 1',
  'a IS NOT NULL AND c = 0',
  "a = 1 XOR b = 'x'",
  "a = 1 || b = 'x' AND c = 0",
  "a = 1 && b = 'x' OR c = 0",
  'a = 1 = 1',
  'a = c = 0',
  '0 < a < 2',
  'a < 2 > 0',
  '1 = a',
  'a = 1 + 1',
  'a + 1 = 2',
  'a = 3 - 1 AND c = 0',
  'a = -(1)',
  'a = - -1',
  'a = 1 | 2',
  'a BETWEEN 0 AND 1 + 1',
  'a = (1 OR c = 0)',
  'a = 1 IN (1)',
  '(a, c) = (1, 0)',
  'a = NULL',
  'a IN (1, NULL)',
  'a = 1, c = 0',
  'a',
  'a = 1 AND c',
  'TRUE',
  '1',
];

test('what cannot be searched by, or binds in another way, is refused and deletes nothing', async () => {
  await using t = await openGrid();

  const told: string[] = [];
  for (const where of refused)
    await t.sql(`DELETE FROM dev.grid WHERE ${where}`).catch((error: Error) => {
      if (/Supported are: SELECT/.test(error.message)) told.push(where);
    });

  expect(told).toEqual(refused);
  expect(await t.sql('SELECT COUNT(*) AS many FROM dev.grid')).toEqual([{ many: cells.length }]);
});

test('an expression of thousands of terms is read', async () => {
  await using t = await openGrid();
  const where = Array.from({ length: 2_000 }, () => 'c=9 OR c=0').join(' AND ');

  expect(await t.sql(`SELECT COUNT(*) AS many FROM dev.grid WHERE ${where}`)).toEqual([{ many: 9 }]);
});

test('parentheses are read as deep as they are', async () => {
  await using t = await openGrid();
  const nested = (depth: number): string =>
    `${'a = 1 OR (c = 0 AND '.repeat(depth)}a = 2${')'.repeat(depth)}`;

  expect(await t.sql(`SELECT COUNT(*) AS many FROM dev.grid WHERE ${nested(200)}`)).toEqual([{ many: 12 }]);
});
