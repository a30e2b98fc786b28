import { stringify } from 'csv-stringify/sync';
import type { Document } from '../../model/change.ts';

export const exportFormats = ['json', 'csv'] as const;

export type ExportFormat = (typeof exportFormats)[number];

const documentsAtOnce = 200;

/**
 * Documents as the text of a file, in pieces: a JSON array with one document on each line, or CSV with a line of
 * names. CSV has no null: null, absent and the empty text are all an empty cell; objects and arrays are JSON.
 *
 * @param columns of CSV; what a document has beside them is left out
 */
export function* exportText(
  documents: Iterable<Document>,
  format: ExportFormat,
  columns: readonly string[],
): Generator<{ readonly text: string; readonly rows: number }> {
  const isJson = format === 'json';
  let rows = 0;
  if (!isJson) yield { text: csvLines([columns]), rows };
  for (const batch of inBatches(documents)) {
    const text = isJson
      ? batch
          .map((document, index) => `${rows + index === 0 ? '[\n' : ',\n'}${JSON.stringify(document)}`)
          .join('')
      : csvLines(batch.map((document) => columns.map((column) => cellOf(document, column))));
    rows += batch.length;
    yield { text, rows };
  }
  if (isJson) yield { text: rows === 0 ? '[]\n' : '\n]\n', rows };
}

function* inBatches(documents: Iterable<Document>): Generator<Document[]> {
  let batch: Document[] = [];
  for (const document of documents) {
    batch.push(document);
    if (batch.length < documentsAtOnce) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function csvLines(lines: readonly (readonly (string | null)[])[]): string {
  return stringify(
    lines.map((line) => [...line]),
    // A lone carriage return ends a line for some readers, too.
    { quoted_match: /[\r\n]/ },
  );
}

function cellOf(document: Document, column: string): string | null {
  const value = Object.hasOwn(document, column) ? document[column] : null;
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? null;
}
