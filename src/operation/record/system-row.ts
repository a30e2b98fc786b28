import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import { systemDatabase, type Table } from '../../model/table.ts';
import { archiveTable } from '../../store/archive.ts';
import type { Store } from '../../store/store.ts';
import { refuseSystemDatabase } from '../permission.ts';
import { Refusals } from '../refusals.ts';
import { credentialsOfRow } from '../user/credentials.ts';

/** Whether the rows are peers, which `node/node-rows.ts` writes. */
export function isNodes(table: Table): boolean {
  return table.database === systemDatabase && table.name === 'hdb_nodes';
}

/**
 * Super users may change users and roles as rows and delete what was archived, nothing else of `system`. Nodes are
 * refused where rows would be stored as they are: they carry versions that both ends compare.
 *
 * @throws CodedError `forbidden`, `invalid_request`
 */
export function protectSystemTable(table: Table, operation: 'insert' | 'update' | 'upsert' | 'delete'): void {
  if (table.database !== systemDatabase || table.name === 'hdb_user' || table.name === 'hdb_role') return;
  if (table.name === archiveTable && operation === 'delete') return;
  if (isNodes(table)) {
    throw new CodedError(
      'invalid_request',
      "Rows of 'system.hdb_nodes' are changed one request at a time, or with add_node, update_node and remove_node",
    );
  }
  if (operation === 'insert') {
    Refusals.refuseWith(`Table '${systemDatabase}.${table.name}' is read-only`);
  }
  refuseSystemDatabase(table.database);
}

/** Rows of `hdb_user` hold the hash of a password, never the password, however they are written. */
export async function withHashedPassword(
  store: Store,
  table: Table,
  documents: readonly Document[],
): Promise<readonly Document[]> {
  if (table.database !== systemDatabase || table.name !== 'hdb_user') return documents;
  const hashed: Document[] = [];
  for (const document of documents) {
    const { username, password } = document;
    if (password === undefined) {
      hashed.push(document);
    } else if (typeof password !== 'string' || password === '') {
      throw new CodedError('invalid_request', "'password' must be a string that is not empty");
    } else {
      hashed.push({ ...document, ...(await credentialsOfRow(store, username, password)) });
    }
  }
  return hashed;
}
