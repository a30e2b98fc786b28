import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import { nameProblem } from '../../model/names.ts';
import { csvRows } from './csv-rows.ts';
import { csvKey, csvValue } from './csv-value.ts';
import { shortText } from './short-text.ts';

/** No name that an attribute can have is longer. */
const maxToldName = 300;

/**
 * The rows of a CSV text as documents, one after another; the first line names the attributes, and white space in it
 * counts.
 *
 * @throws CodedError as {@link csvRows}, and `invalid_name` for names that no attribute can have
 */
export async function* csvDocuments(
  source: AsyncIterable<Buffer>,
  primaryKey: string,
  signal: AbortSignal,
): AsyncGenerator<Document, void, undefined> {
  let columns: readonly string[] | undefined;
  let row = 0;
  for await (const cells of csvRows(source, signal)) {
    if (!columns) {
      columns = checkColumns(cells);
      continue;
    }
    row += 1;
    yield documentOf(cells, columns, primaryKey, row);
  }
}

function checkColumns(columns: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  for (const column of columns) {
    if (nameProblem(column) !== undefined) {
      const told = shortText(column, maxToldName);
      throw new CodedError('invalid_name', `Invalid column name '${told}', cancelling load operation`);
    }
    if (seen.has(column)) {
      throw new CodedError(
        'invalid_request',
        `Column name '${column}' appears twice, cancelling load operation`,
      );
    }
    seen.add(column);
  }
  return columns;
}

/** Attributes that a short line does not reach are left out; empty cells beyond the names are ignored. */
function documentOf(
  cells: readonly string[],
  columns: readonly string[],
  primaryKey: string,
  row: number,
): Document {
  if (cells.slice(columns.length).some((cell) => cell !== '')) {
    throw new CodedError(
      'invalid_request',
      `Row ${row} has ${cells.length} values for ${columns.length} columns, cancelling load operation`,
    );
  }
  return Object.fromEntries(
    columns.slice(0, cells.length).map((column, index): [string, unknown] => {
      const cell = cells[index] ?? '';
      return [column, column === primaryKey ? csvKey(cell) : csvValue(cell)];
    }),
  );
}
