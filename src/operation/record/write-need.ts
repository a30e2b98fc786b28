import type { Need } from '../permission.ts';
import type { Right } from '../grants.ts';
import type { WriteRequest } from './write-request.ts';

const rightsOf: Readonly<Record<'insert' | 'update' | 'upsert', readonly Right[]>> = {
  insert: ['insert'],
  update: ['update'],
  upsert: ['insert', 'update'],
};

/** What a write needs: its rights on the table and on every attribute that a record names. */
export function writeNeed(operation: 'insert' | 'update' | 'upsert', request: WriteRequest): Need {
  const { schema, table, records } = request;
  const attributes = new Set(records.flatMap((record) => Object.keys(record)));
  return { database: schema, table, rights: rightsOf[operation], attributes };
}
