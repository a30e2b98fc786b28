import { CodedError } from '../model/errors.ts';
import { createdTime, systemDatabase, updatedTime } from '../model/table.ts';
import type { Store } from '../store/store.ts';
import { defaultDatabase } from './field.ts';
import { grantOn, maySee, mayShape, rights, type Right } from './grants.ts';
import { Refusals } from './refusals.ts';
import type { User } from './user/user.ts';

/** Rights on a table that a request needs. */
export interface Need {
  readonly database: string;
  readonly table: string;
  readonly rights: readonly Right[];
  /** The attributes it touches, each with the same rights; `every` when it may touch any. */
  readonly attributes: Iterable<string> | 'every';
}

/**
 * Who may run an operation. This one fact of its definition decides it; nothing else is asked.
 *
 * - `stranger`: also who has not logged in; the operation finds out itself who asks.
 * - `any`: every user; the operation shows only what the user may see.
 * - `super_user`.
 * - `shape_databases`, `shape_tables`: also who has `structure_user`, of this database in the second case.
 * - `describe_database`, `describe_table`: who has some right there.
 * - a right: who has it on the table that the request names, with all its attributes.
 * - a function: who has all these rights.
 */
export type Permission<Request = never> =
  | 'stranger'
  | 'any'
  | 'super_user'
  | 'shape_databases'
  | 'shape_tables'
  | 'describe_database'
  | 'describe_table'
  | Right
  | ((request: Request) => readonly Need[]);

/** Who asks for what. */
export interface Asked {
  readonly user: User;
  readonly store: Store;
  readonly refusalName: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Refuses what can be refused before the body is read closely: an operation, or a database or table as a whole.
 *
 * @throws ForbiddenError; CodedError `forbidden`, `unauthenticated`
 */
export function checkOperation(permission: Permission, { user, store, refusalName, body }: Asked): void {
  if (user.isSuperUser || permission === 'stranger' || permission === 'any') return;
  const database = nameOf(body['schema']) ?? defaultDatabase;
  switch (permission) {
    case 'super_user':
      return Refusals.refuseOperation(refusalName);
    case 'shape_databases':
    case 'shape_tables': {
      refuseSystemDatabase(database);
      const scope = permission === 'shape_tables' ? database : undefined;
      if (!mayShape(user, scope)) Refusals.refuseOperation(refusalName);
      return;
    }
    case 'describe_database':
      refuseSystemMetadata(database);
      if (!seesDatabase(user, store, database)) Refusals.mask(`database '${database}' does not exist`);
      return;
    case 'describe_table': {
      refuseSystemMetadata(database);
      const name = nameOf(body['table']);
      const table = name === undefined ? undefined : store.catalog.table(database, name);
      if (name !== undefined && (table === undefined || !maySee(user, table)))
        Refusals.mask(`Table '${database}.${name}' does not exist`);
      return;
    }
    default:
      return;
  }
}

/**
 * Refuses what the user may not do with the tables and attributes that the request names.
 *
 * @throws ForbiddenError; CodedError `forbidden`
 */
export function checkRequest<Request>(permission: Permission<Request>, request: Request, asked: Asked): void {
  if (asked.user.isSuperUser) return;
  if (typeof permission === 'function') checkNeeds(asked, permission(request));
  else if (isRight(permission)) checkNeeds(asked, [wholeTable(permission, asked.body)]);
}

/**
 * Refuses unless the user has all these rights. What the user has no right on at all is told as if it did not
 * exist; what lacks only the needed right is named.
 *
 * @throws ForbiddenError; CodedError `forbidden`
 */
export function checkNeeds({ user, store }: Pick<Asked, 'user' | 'store'>, needs: readonly Need[]): void {
  if (user.isSuperUser) return;
  const refusals = new Refusals();
  for (const need of needs) {
    const { database, table: name, rights } = need;
    if (database === systemDatabase) {
      if (rights.includes('update') || rights.includes('delete')) refuseSystemDatabase(database);
      refusals.addTable(need, rights);
      continue;
    }
    const table = store.catalog.table(database, name);
    if (table === undefined || !maySee(user, table)) {
      const isDatabaseSeen = seesDatabase(user, store, database);
      refusals.addMasked(
        need,
        isDatabaseSeen
          ? `Table '${database}.${name}' does not exist`
          : `database '${database}' does not exist`,
      );
      continue;
    }
    const grant = grantOn(user, table);
    const missing = rights.filter((right) => !grant.table.has(right));
    if (missing.length > 0) refusals.addTable(need, missing);
    else if (grant.attributes !== undefined) checkAttributes(refusals, need, grant.attributes);
  }
  refusals.throwIfAny();
}

/**
 * Refuses changes to what the server keeps for itself.
 *
 * @throws CodedError `forbidden`
 */
export function refuseSystemDatabase(database: string): void {
  if (database === systemDatabase) {
    throw new CodedError(
      'forbidden',
      "The 'system' database, tables and records are used internally by HarperDB and cannot be updated or removed.",
    );
  }
}

function checkAttributes(
  refusals: Refusals,
  need: Need,
  granted: ReadonlyMap<string, ReadonlySet<Right>>,
): void {
  const asked = need.rights.filter((right) => right !== 'delete');
  if (asked.length === 0) return;
  if (need.attributes === 'every') {
    refusals.addTable(need, asked);
    return;
  }
  const unauthorized: { readonly name: string; readonly missing: readonly Right[] }[] = [];
  for (const name of new Set(need.attributes)) {
    if ((name === createdTime || name === updatedTime) && asked.some((right) => right !== 'read')) {
      throw new CodedError(
        'forbidden',
        "Internal timestamp attributes - '__createdtime_' and '__updatedtime__' - cannot be inserted to or updated by HDB users.",
      );
    }
    const has = granted.get(name);
    if (has === undefined || has.size === 0) {
      refusals.addMasked(need, `Attribute '${name}' does not exist on '${need.database}.${need.table}'`);
      continue;
    }
    const missing = asked.filter((right) => !has.has(right));
    if (missing.length > 0) unauthorized.push({ name, missing });
  }
  for (const { name, missing } of unauthorized) refusals.addAttribute(need, name, missing);
}

/** A database is there for whom one of its tables is there, and for whom may create some. */
function seesDatabase(user: User, store: Store, database: string): boolean {
  if (!store.catalog.hasDatabase(database)) return false;
  return mayShape(user, database) || store.catalog.tables(database).some((table) => maySee(user, table));
}

function refuseSystemMetadata(database: string): void {
  if (database === systemDatabase) {
    Refusals.refuseWith(
      `Your role does not have permission to view database metadata for '${systemDatabase}'`,
    );
  }
}

function wholeTable(right: Right, body: Readonly<Record<string, unknown>>): Need {
  return {
    database: nameOf(body['schema']) ?? defaultDatabase,
    table: nameOf(body['table']) ?? '',
    rights: [right],
    attributes: 'every',
  };
}

function isRight(permission: Permission): permission is Right {
  return rights.some((right) => right === permission);
}

function nameOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
