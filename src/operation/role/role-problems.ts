import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import { systemDatabase, type Table } from '../../model/table.ts';
import { knownNames } from '../../store/catalog.ts';
import type { Store } from '../../store/store.ts';
import { isDocument } from '../field.ts';
import { attributeRights, rights } from '../grants.ts';

/** All that is wrong with a role, in the words that clients match on. */
export interface RoleProblems {
  readonly mainPermissions: readonly string[];
  /** By `<database>_<table>`. */
  readonly tablePermissions: Readonly<Record<string, readonly string[]>>;
}

/** A role that cannot be stored. */
export class RolePermissionError extends CodedError {
  override readonly name = 'RolePermissionError';
  readonly problems: RoleProblems;

  constructor(problems: RoleProblems) {
    super('invalid_request', 'Errors in the role permissions JSON provided');
    this.problems = problems;
  }
}

/**
 * Checks the permission of a role; `fields` is what is wrong with the request besides.
 *
 * @throws RolePermissionError
 */
export function checkRole(store: Store, permission: unknown, fields: readonly string[]): void {
  const main = [...fields];
  const tables = new Map<string, readonly string[]>();
  if (isDocument(permission)) {
    const kind = kindProblems(permission);
    main.push(...kind);
    if (kind.length === 0 && !isWholeRole(permission)) {
      for (const [database, granted] of Object.entries(permission)) {
        if (!isKindKey(database)) main.push(...databaseProblems(store, database, granted, tables));
      }
    }
  }
  if (main.length === 0 && tables.size === 0) return;
  throw new RolePermissionError({ mainPermissions: main, tablePermissions: Object.fromEntries(tables) });
}

/** What is wrong with `super_user`, `cluster_user` and `structure_user`. */
function kindProblems(permission: Document): string[] {
  const problems: string[] = [];
  if (permission['super_user'] === true && permission['cluster_user'] === true) {
    return [
      "Roles cannot have both 'super_user' and 'cluster_user' values included in their permissions set.",
    ];
  }
  for (const kind of ['super_user', 'cluster_user']) {
    const value = permission[kind];
    if (value !== undefined && typeof value !== 'boolean')
      problems.push(`Value for '${kind}' permission must be a boolean`);
    else if (
      value === true &&
      Object.keys(permission).some((key) => key !== kind && permission[key] !== false)
    )
      problems.push(`Roles with '${kind}' set to true cannot have other permissions set.`);
  }
  const structure = permission['structure_user'];
  const isList = Array.isArray(structure) && structure.every((name) => typeof name === 'string');
  if (structure !== undefined && typeof structure !== 'boolean' && !isList)
    problems.push("Value for 'structure_user' permission must be a boolean or Array");
  return problems;
}

function databaseProblems(
  store: Store,
  database: string,
  granted: unknown,
  tables: Map<string, readonly string[]>,
): string[] {
  if (database === systemDatabase) return [`Permissions for database '${database}' cannot be set`];
  if (!store.catalog.hasDatabase(database)) return [`database '${database}' does not exist`];
  const listed = isDocument(granted) ? (granted['tables'] ?? {}) : undefined;
  if (!isDocument(listed)) return [`Permissions for database '${database}' must be an object of tables`];
  const main: string[] = [];
  for (const [name, permission] of Object.entries(listed)) {
    const table = store.catalog.table(database, name);
    if (table === undefined) {
      main.push(`Table '${database}.${name}' does not exist`);
      continue;
    }
    const problems = tableProblems(table, permission);
    if (problems.length > 0) tables.set(`${database}_${name}`, problems);
  }
  return main;
}

function tableProblems(table: Table, permission: unknown): string[] {
  if (!isDocument(permission)) return [`Permission for '${table.database}.${table.name}' must be an object`];
  const problems = Object.keys(permission)
    .filter((key) => key !== 'attribute_permissions' && !rights.some((right) => right === key))
    .map((key) => `Invalid table permission key value '${key}'`);
  for (const right of rights) {
    const value = permission[right];
    if (value === undefined) problems.push(`Missing table ${right.toUpperCase()} permission`);
    else if (typeof value !== 'boolean')
      problems.push(`Table ${right.toUpperCase()} permission must be a boolean`);
  }
  const attributes = permission['attribute_permissions'];
  if (attributes === undefined) problems.push("Missing 'attribute_permissions' array");
  else if (!Array.isArray(attributes)) problems.push("Value for 'attribute_permissions' must be an array");
  else problems.push(...attributeProblems(table, permission, attributes));
  return problems;
}

function attributeProblems(table: Table, permission: Document, attributes: readonly unknown[]): string[] {
  const known = knownNames(table);
  const problems: string[] = [];
  const granted = new Set<string>();
  for (const item of attributes) {
    const listed = isDocument(item) ? item : {};
    // `delete` has no meaning for an attribute, and many clients send it.
    for (const key of Object.keys(listed)) {
      if (!['attribute_name', 'delete', ...attributeRights].includes(key))
        problems.push(`Invalid attribute permission key value '${key}'`);
    }
    const name = listed['attribute_name'];
    if (name === undefined || name === null) {
      problems.push("Permission object in 'attribute_permission' missing an 'attribute_name'");
      continue;
    }
    if (typeof name !== 'string' || !known.has(name)) {
      const told = typeof name === 'string' ? name : JSON.stringify(name);
      problems.push(`Invalid attribute '${told}' in 'attribute_permissions'`);
      continue;
    }
    for (const right of attributeRights) {
      const value = listed[right];
      if (value === undefined)
        problems.push(`${right.toUpperCase()} attribute permission missing for '${name}'`);
      else if (typeof value !== 'boolean')
        problems.push(`${right.toUpperCase()} attribute permission for '${name}' must be a boolean`);
      else if (value) granted.add(right);
    }
  }
  if (attributeRights.some((right) => granted.has(right) && permission[right] === false)) {
    problems.push(
      `You have a conflict with TABLE permissions for '${table.database}.${table.name}' being false and ATTRIBUTE permissions being true`,
    );
  }
  return problems;
}

function isKindKey(key: string): boolean {
  return key === 'super_user' || key === 'cluster_user' || key === 'structure_user';
}

function isWholeRole(permission: Document): boolean {
  return permission['super_user'] === true || permission['cluster_user'] === true;
}
