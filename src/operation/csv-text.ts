import { stringify } from 'csv-stringify/sync';

/**
 * Lines of CSV; one without cells is left out. CSV has no null: null, absent and the empty text are all an empty cell;
 * objects and arrays are JSON.
 */
export function csvText(lines: readonly (readonly unknown[])[]): string {
  return stringify(lines.filter(({ length }) => length > 0).map((line) => line.map(cellOf)));
}

/** What documents have of some columns, as lines of CSV. */
export function csvDocumentsText(documents: readonly object[], columns: readonly string[]): string {
  return csvText(
    documents.map((document) => {
      const values = new Map<string, unknown>(Object.entries(document));
      return columns.map((column) => values.get(column));
    }),
  );
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
