import * as z from 'zod';
import { keyProblem, type Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import { hasLegalCharacters, maxNameLength, unkeepableName } from '../../model/names.ts';
import type { Table } from '../../model/table.ts';
import { knownNames } from '../../store/catalog.ts';
import type { Store } from '../../store/store.ts';
import * as field from '../field.ts';
import { isNestedDeeper, maxNesting } from './nesting.ts';
import { protectSystemTable, withHashedPassword } from './system-row.ts';

const records = z
  .unknown()
  .transform((value, context): readonly Document[] => {
    const refuse = (path: PropertyKey[], message: string): never => {
      context.addIssue({ code: 'custom', path, message });
      return z.NEVER;
    };
    if (value === undefined) return refuse([], 'is required');
    if (!Array.isArray(value)) return refuse([], 'must be an array');
    const documents: Document[] = [];
    for (const [index, item] of value.entries()) {
      if (!field.isDocument(item)) return refuse([index], 'must be an object');
      documents.push(item);
    }
    return documents;
  })
  .meta({ type: 'array', items: { type: 'object' } });

/** The body of insert, update and upsert. */
export const writeRequest = z.object({
  schema: field.databaseOfWrite,
  table: field.tableOfWrite,
  records,
});

export type WriteRequest = z.infer<typeof writeRequest>;

/** What {@link writeRequest} makes of a body whose fields have the types that they should; undefined for others. */
export function readUsualWrite(body: Readonly<Record<string, unknown>>): WriteRequest | undefined {
  const { schema, table, records } = body;
  if (typeof schema !== 'string' || schema === '' || typeof table !== 'string' || table === '')
    return undefined;
  return isDocuments(records) ? { schema, table, records } : undefined;
}

function isDocuments(value: unknown): value is readonly Document[] {
  return Array.isArray(value) && value.every(field.isDocument);
}

/**
 * Checks everything that can be checked before the commit, so that a bad record refuses the whole request.
 *
 * @returns the records as they are to be written
 * @throws CodedError `invalid_request`, `forbidden`
 */
export async function checkWrite(
  store: Store,
  table: Table,
  records: readonly Document[],
  operation: 'insert' | 'update' | 'upsert',
): Promise<readonly Document[]> {
  protectSystemTable(table, operation);
  const known = knownNames(table);
  for (const document of records) {
    for (const name of Object.keys(document)) {
      if (isNestedDeeper(document[name])) {
        throw new CodedError(
          'invalid_request',
          `Attribute '${name}' is nested deeper than ${maxNesting} levels`,
        );
      }
      if (known.has(name)) continue;
      checkAttributeName(name);
      if (table.schemaDefined) {
        throw new CodedError(
          'invalid_request',
          `Attribute '${name}' is not declared on '${table.database}.${table.name}'`,
        );
      }
    }
    checkKey(document[table.primaryKey], operation);
  }
  return await withHashedPassword(store, table, records);
}

function checkKey(key: unknown, operation: 'insert' | 'update' | 'upsert'): void {
  if (operation === 'update' && (key === undefined || key === null || key === '')) {
    throw new CodedError(
      'invalid_key',
      'a valid hash attribute must be provided with update record, check log for more info',
    );
  }
  if (key === undefined) return;
  if (!field.isKey(key) || key === 'null' || key === 'undefined') {
    const told = typeof key === 'string' ? key : JSON.stringify(key);
    throw new CodedError(
      'invalid_key',
      `Invalid hash value: '${told}' is not a valid hash attribute value, check log for more info`,
    );
  }
  // The store asks the same; within a commit it would take the whole group of writers back.
  const problem = typeof key === 'string' ? keyProblem(key) : undefined;
  if (problem !== undefined) throw new CodedError('invalid_key', problem);
}

function checkAttributeName(name: string): void {
  if (Buffer.byteLength(name) > maxNameLength) {
    throw new CodedError(
      'invalid_name',
      `transaction aborted due to attribute name ${name} being too long. ` +
        `Attribute names cannot be longer than ${maxNameLength} bytes.`,
    );
  }
  if (name === '') throw new CodedError('invalid_name', 'Attribute names cannot be empty');
  if (!hasLegalCharacters(name)) {
    throw new CodedError('invalid_name', 'Attribute names cannot include backticks or forward slashes');
  }
  if (name === unkeepableName)
    throw new CodedError('invalid_name', `Attribute names cannot be ${unkeepableName}`);
}
