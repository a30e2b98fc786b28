import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import type { ConditionGroup, Sort } from '../../model/query.ts';
import { defaultDatabase } from '../field.ts';
import { literal, withPlainLetters } from './literal.ts';
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

export const supported =
  'Supported are: SELECT * | COUNT(*) | attribute [AS name], ... FROM database.table [WHERE] [ORDER BY attribute [DESC], ...] ' +
  '[LIMIT n [OFFSET n]]; INSERT INTO database.table (attribute, ...) VALUES (...), ...; ' +
  'UPDATE database.table SET attribute = value, ... [WHERE]; DELETE FROM database.table [WHERE]. ' +
  "WHERE compares an attribute with a value: = != < <= > >= BETWEEN IN LIKE ('x%', '%x', '%x%'), with AND, OR and parentheses";

const nothing = z.null().optional();
const tables = z
  .tuple([z.object({ db: z.string().nullish(), table: z.string(), as: z.null(), join: nothing })])
  .transform(([{ db, table }]): NamedTable => ({ database: db ?? defaultDatabase, table }));
const attribute = z
  .object({ type: z.literal('column_ref'), table: z.null(), column: z.string() })
  .transform(({ column }) => column);
const where = z.unknown().transform((tree, context): ConditionGroup | undefined => {
  if (tree === null || tree === undefined) return undefined;
  const condition = conditionOf(tree);
  if (condition === undefined) {
    context.addIssue({ code: 'custom', message: 'is not supported' });
    return z.NEVER;
  }
  return 'conditions' in condition ? condition : { operator: 'and', conditions: [condition] };
});

const count = z.object({
  expr: z.object({
    type: z.literal('aggr_func'),
    name: z.literal('COUNT'),
    args: z.object({ expr: z.object({ type: z.literal('star') }), distinct: nothing }),
    over: nothing,
  }),
  as: z.string().nullable(),
});
const column = z
  .object({ expr: attribute, as: z.string().nullable() })
  .transform(({ expr, as }): Column => ({ attribute: expr, shownAs: as ?? expr }));
const columns = z.union([
  z.tuple([count]).transform(([{ as }]) => ({ countAs: as ?? 'COUNT(*)' })),
  z
    .array(column)
    .min(1)
    .transform((list) => (list.length === 1 && list[0]?.attribute === '*' ? 'all' : list)),
]);

const whole = z.object({ value: z.int().min(0) }).transform(({ value }) => value);
const limit = z
  .object({ seperator: z.string(), value: z.array(whole).max(2) })
  .nullish()
  .transform((read) => {
    const [first, second] = read?.value ?? [];
    // `LIMIT 5, 10` names the offset first.
    return read?.seperator === ','
      ? { limit: second ?? first, offset: second === undefined ? 0 : (first ?? 0) }
      : { limit: first, offset: second ?? 0 };
  });
const orderBy = z
  .array(z.object({ expr: attribute, type: z.enum(['ASC', 'DESC']).nullish() }))
  .nullish()
  .transform((levels): Sort | undefined =>
    (levels ?? []).reduceRight<Sort | undefined>(
      (next, { expr, type }) => ({
        attribute: expr,
        descending: type === 'DESC',
        ...(next === undefined ? {} : { next }),
      }),
      undefined,
    ),
  );

const select = z
  .object({
    type: z.literal('select'),
    ...{ with: nothing, options: nothing, distinct: nothing, groupby: nothing, having: nothing },
    ...{ locking_read: nothing, window: nothing, collate: nothing, _next: z.undefined().optional() },
    into: z.object({ position: z.null() }).nullish(),
    ...{ columns, from: tables, where, orderby: orderBy, limit },
  })
  .transform((read): Statement => ({
    ...read.from,
    ...{ kind: 'select', columns: read.columns, where: read.where, sort: read.orderby },
    ...read.limit,
  }));

const insert = z
  .object({
    type: z.literal('insert'),
    table: tables,
    columns: z.array(z.string()).min(1),
    values: z.object({
      type: z.literal('values'),
      values: z.array(z.object({ type: z.literal('expr_list'), value: z.array(literal) })),
    }),
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
  .object({
    type: z.literal('update'),
    table: tables,
    set: z.array(z.object({ column: z.string(), value: literal, table: z.null() })).min(1),
    ...{ where, with: nothing, orderby: nothing, limit: nothing },
  })
  .transform((read): Statement => ({
    ...read.table,
    kind: 'update',
    set: Object.fromEntries(read.set.map((one) => [one.column, one.value])),
    where: read.where,
  }));

const remove = z
  .object({ type: z.literal('delete'), from: tables, where, with: nothing, orderby: nothing, limit: nothing })
  .transform((read): Statement => ({ ...read.from, kind: 'delete', where: read.where }));

const statement = z.union([select, insert, update, remove]);

/** @throws CodedError `invalid_request` that says what is supported */
export async function parseStatement(sql: string): Promise<Statement> {
  if (sql.length > maxCharacters)
    throw new CodedError(
      'invalid_request',
      `SQL may have ${maxCharacters} characters: send many records with the operation insert`,
    );
  // Loaded when it is asked for: it is large, and most nodes are never asked.
  const { Parser } = (await import('node-sql-parser/build/mysql.js')).default;
  let tree: unknown;
  try {
    tree = new Parser().astify(withPlainLetters(sql));
  } catch (cause) {
    throw new CodedError('invalid_request', `This is not SQL that can be read. ${supported}`, { cause });
  }
  const parsed = statement.safeParse(Array.isArray(tree) && tree.length === 1 ? tree[0] : tree);
  if (!parsed.success) throw new CodedError('invalid_request', `This SQL is not supported. ${supported}`);
  return parsed.data;
}
