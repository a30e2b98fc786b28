import * as z from 'zod';
import type { Document } from '../../model/change.ts';
import type { Table } from '../../model/table.ts';
import { knownNames } from '../../store/catalog.ts';
import { readablePart } from '../grants.ts';
import { isSecret, shownDocument } from './shown-document.ts';

/** `get_attributes`: names, or `["*"]` and absence for all. */
export const attributeNames = z.array(z.string()).optional();

/**
 * Returns the function that makes an answer of a stored record; undefined for a record that is not shown.
 * Attributes that were asked for and are absent are null, and in a dynamic table `*` is every attribute; of
 * those, the ones that are `readable`, if that is restricted.
 */
export function projection(
  table: Table,
  requested: readonly string[] | undefined,
  readable: ReadonlySet<string> | undefined,
): (document: Document) => Document | undefined {
  const isEverything = requested === undefined || requested.includes('*');
  const isShown = (name: string): boolean => !isSecret(table, name) && readable?.has(name) !== false;
  const names = (isEverything ? allNames(table) : requested).filter(isShown);
  return (document) => {
    const shown = shownDocument(table, document);
    if (shown === undefined) return undefined;
    const answer: Record<string, unknown> = {};
    for (const name of names) answer[name] = Object.hasOwn(shown, name) ? shown[name] : null;
    // With `*` also what the table did not know yet when this request read the catalog.
    return isEverything ? { ...answer, ...readablePart(shown, readable) } : answer;
  };
}

/** The attributes that an answer can have; for `*` in a table of declared attributes all that are declared. */
export function columnsOf(
  table: Table,
  requested: readonly string[] | undefined,
  readable: ReadonlySet<string> | undefined,
): readonly string[] {
  const names = requested === undefined || requested.includes('*') ? [...knownNames(table)] : requested;
  return names.filter((name) => !isSecret(table, name) && (readable?.has(name) ?? true));
}

function allNames(table: Table): readonly string[] {
  if (table.schemaDefined || table.local) return [];
  return [...knownNames(table)];
}
