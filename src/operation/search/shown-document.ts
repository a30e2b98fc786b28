import type { Document } from '../../model/change.ts';
import { systemDatabase, type Table } from '../../model/table.ts';

/** What answers show of `hdb_user`; everything else there may be a secret. */
const userAttributes: ReadonlySet<string> = new Set([
  'username',
  'role',
  'active',
  '__createdtime__',
  '__updatedtime__',
]);

/** Whether no answer, condition or sort may use the attribute. A condition on a hash would reveal it bit by bit. */
export function isSecret(table: Table, attribute: string): boolean {
  return isUsers(table) && !userAttributes.has(attribute);
}

/**
 * The record as answers show it: without secrets, and without nodes and subscriptions that are kept only as a
 * mark of their removal. Whatever a search finds passes through here. Undefined: there is nothing to show.
 */
export function shownDocument(table: Table, document: Document): Document | undefined {
  if (table.database !== systemDatabase) return document;
  if (isUsers(table)) {
    return Object.fromEntries(Object.entries(document).filter(([name]) => userAttributes.has(name)));
  }
  if (table.name !== 'hdb_nodes') return document;
  if (document['removedVersion'] !== undefined) return undefined;
  const subscriptions = document['subscriptions'];
  if (!Array.isArray(subscriptions)) return document;
  return { ...document, subscriptions: subscriptions.filter(isCurrent) };
}

/** Whether the store can apply offset and limit itself: every record it yields is shown. */
export function showsEveryRecord(table: Table): boolean {
  return table.database !== systemDatabase;
}

function isCurrent(subscription: unknown): boolean {
  return !(typeof subscription === 'object' && subscription !== null && 'replaced' in subscription);
}

function isUsers(table: Table): boolean {
  return table.database === systemDatabase && table.name === 'hdb_user';
}
