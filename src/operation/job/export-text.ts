import { stringify } from 'csv-stringify/sync';
import type { Document } from '../../model/change.ts';

export const exportFormats = ['json', 'csv'] as const;

export type ExportFormat = (typeof exportFormats)[number];

/** Documents as the text of a file: the head, the documents some at a time, the tail. */
export interface ExportText {
  readonly head: string;
  /** @param before how many documents came before these */
  documents(documents: readonly Document[], before: number): string;
  /** @param count of all documents */
  tail(count: number): string;
}

/**
 * JSON is an array with one document on each line. CSV begins with a line of names; it has no null: null, absent
 * and the empty text are all an empty cell, objects and arrays are JSON.
 *
 * @param columns of CSV; what a document has beside them is left out
 */
export function exportTextOf(format: ExportFormat, columns: readonly string[]): ExportText {
  return format === 'json' ? json : csv(columns);
}

const json: ExportText = {
  head: '[',
  documents: (documents, before) =>
    documents
      .map((document, index) => `${before + index === 0 ? '\n' : ',\n'}${JSON.stringify(document)}`)
      .join(''),
  tail: (count) => (count === 0 ? ']\n' : '\n]\n'),
};

function csv(columns: readonly string[]): ExportText {
  return {
    head: csvText([columns]),
    documents: (documents) =>
      csvText(documents.map((document) => columns.map((column) => cellOf(document, column)))),
    tail: () => '',
  };
}

/** Lines of CSV. */
export function csvText(lines: readonly (readonly string[])[]): string {
  return stringify(
    lines.map((line) => [...line]),
    // A lone carriage return ends a line for some readers, too.
    { quoted_match: /[\r\n]/ },
  );
}

function cellOf(document: Document, column: string): string {
  const value = Object.hasOwn(document, column) ? document[column] : null;
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
