import type { Document } from '../model/change.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import { isDocument } from './field.ts';
import type { User } from './user/user.ts';

/** What a role may be allowed to do with the records of a table. */
export const rights = ['read', 'insert', 'update', 'delete'] as const;
export type Right = (typeof rights)[number];

/** What of it can be allowed attribute by attribute. */
export const attributeRights = ['read', 'insert', 'update'] as const satisfies readonly Right[];

/** What one user may do with one table. */
export interface Grant {
  readonly table: ReadonlySet<Right>;
  /** The rights on each attribute that has any; undefined when all attributes follow the table. */
  readonly attributes: ReadonlyMap<string, ReadonlySet<Right>> | undefined;
}

const everything: Grant = { table: new Set(rights), attributes: undefined };
const nothing: Grant = { table: new Set(), attributes: undefined };

/**
 * What the role of the user grants on a table. What is not granted is denied; only `true` grants, so a row of
 * `hdb_role` that was written past the validation of add_role cannot grant by accident.
 */
export function grantOn({ isSuperUser, role }: User, table: Table): Grant {
  if (isSuperUser) return everything;
  if (table.database === systemDatabase) return nothing;
  if (mayStructure(role.permission, table.database)) return everything;
  const tables = own(own(role.permission, table.database), 'tables');
  const listed = own(tables, table.name);
  const granted = grantedBy(listed, rights);
  const attributes = own(listed, 'attribute_permissions');
  if (!Array.isArray(attributes) || attributes.length === 0) return { table: granted, attributes: undefined };
  return { table: granted, attributes: attributeGrants(attributes, granted, table.primaryKey) };
}

/** Whether the table exists for this user: some right on it is granted. */
export function maySee(user: User, table: Table): boolean {
  return grantOn(user, table).table.size > 0;
}

/** Whether the user may create and drop tables of the database, or databases when none is named. */
export function mayShape({ isSuperUser, role }: User, database?: string): boolean {
  return isSuperUser || mayStructure(role.permission, database);
}

/** The attributes that answers may show this user; undefined when there is no restriction. */
export function readableAttributes(user: User, table: Table): ReadonlySet<string> | undefined {
  return attributesWith(user, table, (granted) => granted.has('read'));
}

/** What of a document may be shown to who reads these attributes. */
export function readablePart(document: Document, readable: ReadonlySet<string> | undefined): Document {
  if (readable === undefined) return document;
  return Object.fromEntries(Object.entries(document).filter(([name]) => readable.has(name)));
}

/** The attributes that exist for this user; undefined when there is no restriction. */
export function seenAttributes(user: User, table: Table): ReadonlySet<string> | undefined {
  return attributesWith(user, table, (granted) => granted.size > 0);
}

function attributesWith(
  user: User,
  table: Table,
  fits: (granted: ReadonlySet<Right>) => boolean,
): ReadonlySet<string> | undefined {
  const { attributes } = grantOn(user, table);
  return attributes && new Set([...attributes].filter(([, granted]) => fits(granted)).map(([name]) => name));
}

/** An attribute has at most what its table has; the primary key has what any attribute has. */
function attributeGrants(
  listed: readonly unknown[],
  ofTable: ReadonlySet<Right>,
  primaryKey: string,
): ReadonlyMap<string, ReadonlySet<Right>> {
  const grants = new Map<string, Set<Right>>();
  const add = (name: string, granted: ReadonlySet<Right>): void => {
    grants.set(name, new Set([...(grants.get(name) ?? []), ...granted]));
  };
  for (const item of listed) {
    const name = own(item, 'attribute_name');
    if (typeof name !== 'string') continue;
    const granted = grantedBy(item, attributeRights);
    const bounded = new Set([...granted].filter((right) => ofTable.has(right)));
    add(name, bounded);
    add(primaryKey, bounded);
  }
  return grants;
}

function mayStructure(permission: unknown, database: string | undefined): boolean {
  const structure = own(permission, 'structure_user');
  if (database === systemDatabase) return false;
  return structure === true || (Array.isArray(structure) && structure.includes(database));
}

function grantedBy(listed: unknown, among: readonly Right[]): ReadonlySet<Right> {
  return new Set(among.filter((right) => own(listed, right) === true));
}

/** Names come from requests: what every object inherits is no permission. */
function own(value: unknown, name: string): unknown {
  return isDocument(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
