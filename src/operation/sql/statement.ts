import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import type { ConditionGroup, Sort } from '../../model/query.ts';
import { defaultDatabase } from '../field.ts';
import { attribute } from './attribute.ts';
import { literal, parentheses } from './literal.ts';
import { dropOwnName } from './own-name.ts';
import { plainSql } from './plain-sql.ts';
import { conditionOf } from './sql-condition.ts';

export interface NamedTable {
  readonly database: string;
  readonly table: string;
}

/** One column of an answer: an attribute under a name. */
export interface Column {
  readonly attribute: string;
  readonly shownAs: string;
}

/** A statement of SQL as the store can run it. */
export type Statement = NamedTable &
  (
    | {
        readonly kind: 'select';
        readonly columns: readonly Column[] | 'all' | { readonly countAs: string };
        readonly where: ConditionGroup | undefined;
        readonly sort: Sort | undefined;
        readonly limit: number | undefined;
        readonly offset: number;
      }
    | { readonly kind: 'insert'; readonly records: readonly Readonly<Record<string, unknown>>[] }
    | {
        readonly kind: 'update';
        readonly set: Readonly<Record<string, unknown>>;
        readonly where: ConditionGroup | undefined;
      }
    | { readonly kind: 'delete'; readonly where: ConditionGroup | undefined }
  );

/** The parser takes a quarter of a millisecond for a row, and nobody else runs meanwhile. */
const maxCharacters = 32 * 1024;

const supported =
  'Supported are: SELECT * | COUNT(*) | attribute [AS name], ... FROM database.table [WHERE] [ORDER BY attribute [DESC], ...] ' +
  '[LIMIT n [OFFSET n]]; INSERT INTO database.table (attribute, ...) VALUES (...), ...; ' +
  'UPDATE database.table SET attribute = value, ... [WHERE]; DELETE FROM database.table [WHERE]. ' +
  "WHERE compares an attribute with a value: = != < <= > >= BETWEEN IN LIKE ('x%', '%x', '%x%'), with AND, OR and parentheses";

const inBackticks = 'a name that is a word of SQL, as default or limit, stands in backticks';

/** What the parser tells of the place that it could not read. */
const unread = z.object({ location: z.object({ start: z.object({ offset: z.number() }) }) });
const shownCharacters = 30;

// Strict throughout: what a statement says and nobody reads here would change what it means.
const nothing = z.null().optional();
const tables = z
  .tuple([z.strictObject({ db: z.string().nullish(), table: z.string(), as: z.null(), parentheses })])
  .transform(([{ db, table }]): NamedTable => ({ database: db ?? defaultDatabase, table }));
const where = z.unknown().transform((tree, context): ConditionGroup | undefined => {
  if (tree === null || tree === undefined) return undefined;
  const condition = conditionOf(tree);
  if (condition === undefined) {
    context.addIssue({ code: 'custom', message: 'is not supported' });
    return z.NEVER;
  }
  return 'conditions' in condition ? condition : { operator: 'and', conditions: [condition] };
});

const star = z.strictObject({ type: z.literal('star'), value: z.literal('*') });
const count = z.strictObject({
  expr: z.strictObject({
    type: z.literal('aggr_func'),
    name: z.literal('COUNT'),
    args: z.strictObject({ expr: star, distinct: nothing }),
    over: nothing,
  }),
  as: z.string().nullable(),
});
const column = z
  .strictObject({ expr: attribute, as: z.string().nullable() })
  .transform(({ expr, as }): Column => ({ attribute: expr, shownAs: as ?? expr }));
const columns = z.union([
  z.tuple([count]).transform(([{ as }]) => ({ countAs: as ?? 'COUNT(*)' })),
  z
    .array(column)
    .min(1)
    .refine(areDistinct)
    .transform((list) => (list.length === 1 && list[0]?.attribute === '*' ? 'all' : list)),
]);

const whole = z
  .strictObject({ type: z.literal('number'), value: z.int().min(0) })
  .transform(({ value }) => value);
const limit = z
  .strictObject({ seperator: z.string(), value: z.array(whole).max(2) })
  .nullish()
  .transform((read) => {
    const [first, second] = read?.value ?? [];
    // `LIMIT 5, 10` names the offset first.
    return read?.seperator === ','
      ? { limit: second ?? first, offset: second === undefined ? 0 : (first ?? 0) }
      : { limit: first, offset: second ?? 0 };
  });
const orderBy = z
  .array(z.strictObject({ expr: attribute, type: z.enum(['ASC', 'DESC']).nullish() }))
  .nullish();

const select = z
  .strictObject({
    type: z.literal('select'),
    ...{ with: nothing, options: nothing, distinct: nothing, groupby: nothing, having: nothing },
    ...{ locking_read: nothing, window: nothing, collate: nothing },
    // Around the whole; an ORDER BY or LIMIT behind them would be that of something else.
    parentheses_symbol: z.boolean().optional(),
    into: z.strictObject({ position: z.null() }).nullish(),
    ...{ columns, from: tables, where, orderby: orderBy, limit },
  })
  .transform((read): Statement => ({
    ...read.from,
    ...{ kind: 'select', columns: read.columns, where: read.where },
    sort: sortOf(read.orderby ?? [], Array.isArray(read.columns) ? read.columns : []),
    ...read.limit,
  }));

/** Written `(...)` or `ROW(...)`. */
const row = z.strictObject({
  type: z.literal('expr_list'),
  value: z.array(literal),
  prefix: z.literal('row').nullish(),
});
const insert = z
  .strictObject({
    type: z.literal('insert'),
    table: tables,
    columns: z
      .array(z.string())
      .min(1)
      .refine((names) => new Set(names).size === names.length),
    values: z.strictObject({ type: z.literal('values'), values: z.array(row) }),
    ...{ partition: nothing, on_duplicate_update: nothing, prefix: z.literal('into') },
  })
  .refine((read) => read.values.values.every((row) => row.value.length === read.columns.length))
  .transform((read): Statement => ({
    ...read.table,
    kind: 'insert',
    records: read.values.values.map((row) =>
      Object.fromEntries(read.columns.map((name, index) => [name, row.value[index]])),
    ),
  }));

const update = z
  .strictObject({
    type: z.literal('update'),
    table: tables,
    set: z.array(z.strictObject({ column: z.string(), value: literal, table: z.null() })).min(1),
    ...{ where, with: nothing, orderby: nothing, limit: nothing },
  })
  .transform((read): Statement => ({
    ...read.table,
    kind: 'update',
    set: Object.fromEntries(read.set.map((one) => [one.column, one.value])),
    where: read.where,
  }));

// Named between DELETE and FROM, it may be another one.
const sameTable = z.tuple([z.looseObject({ addition: z.literal(true) })]);
const remove = z
  .strictObject({
    type: z.literal('delete'),
    table: sameTable,
    from: tables,
    ...{ where, with: nothing, orderby: nothing, limit: nothing },
  })
  .transform((read): Statement => ({ ...read.from, kind: 'delete', where: read.where }));

const statement = z.union([select, insert, update, remove]);

/** Whether no name stands for two attributes. */
function areDistinct(list: readonly Column[]): boolean {
  const shown = new Map(list.map(({ shownAs, attribute: name }) => [shownAs, name]));
  return list.every(({ shownAs, attribute: name }) => shown.get(shownAs) === name);
}

/** A name is that of a column of the answer, or else that of an attribute. */
function sortOf(
  levels: readonly { readonly expr: string; readonly type?: 'ASC' | 'DESC' | null | undefined }[],
  shown: readonly Column[],
): Sort | undefined {
  return levels.reduceRight<Sort | undefined>(
    (next, { expr, type }) => ({
      attribute: shown.find(({ shownAs }) => shownAs === expr)?.attribute ?? expr,
      descending: type === 'DESC',
      ...(next === undefined ? {} : { next }),
    }),
    undefined,
  );
}

/** @throws CodedError `invalid_request` that says what is supported */
export async function parseStatement(sql: string): Promise<Statement> {
  if (sql.length > maxCharacters)
    throw new CodedError(
      'invalid_request',
      `SQL may have ${maxCharacters} characters: send many records with the operation insert`,
    );
  // Loaded when it is asked for: it is large, and most nodes are never asked.
  const { Parser } = (await import('node-sql-parser/build/mysql.js')).default;
  const plain = plainSql(sql);
  let tree: unknown;
  try {
    tree = new Parser().astify(plain);
  } catch (cause) {
    throw new CodedError(
      'invalid_request',
      `This is not SQL that can be read, ${placeOf(cause, plain)}; ${inBackticks}. ${supported}`,
      { cause },
    );
  }
  const single: unknown = Array.isArray(tree) && tree.length === 1 ? tree[0] : tree;
  dropOwnName(single);
  const parsed = statement.safeParse(single);
  if (!parsed.success) throw new CodedError('invalid_request', `This SQL is not supported. ${supported}`);
  return parsed.data;
}

function placeOf(error: unknown, sql: string): string {
  const told = unread.safeParse(error);
  if (!told.success) return 'as a whole';
  const rest = sql.slice(told.data.location.start.offset).trim();
  if (rest === '') return 'at its end';
  return `from '${rest.length > shownCharacters ? `${rest.slice(0, shownCharacters)}...` : rest}' on`;
}
