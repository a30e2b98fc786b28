import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import { nameProblem } from '../../model/names.ts';
import { csvKey, csvValue } from './csv-value.ts';

/** An unclosed quote must not take the rest of the file into memory. */
const maxRecordBytes = 16 * 2 ** 20;

/**
 * The rows of a CSV text as documents, one after another; the first line names the attributes, and white space in it
 * counts. Empty lines are skipped. Reads no faster than it is read.
 *
 * @throws CodedError `invalid_request` for text that is not CSV and names that no attribute can have
 */
export async function* csvDocuments(
  source: Readable,
  primaryKey: string,
  signal: AbortSignal,
): AsyncGenerator<Document, void, undefined> {
  const parser = parse({
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: maxRecordBytes,
  });
  const flowing = pipeline(source, parser, { signal });
  // It also ends the loop below, which tells it.
  flowing.catch(() => {});
  let columns: readonly string[] | undefined;
  let row = 0;
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      if (!columns) {
        columns = checkColumns(cells);
        continue;
      }
      row += 1;
      yield documentOf(cells, columns, primaryKey, row);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CodedError('invalid_request', `${error.message}, cancelling load operation`, { cause: error });
  }
}

function checkColumns(columns: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  for (const column of columns) {
    if (nameProblem(column) !== undefined) {
      throw new CodedError('invalid_name', `Invalid column name '${column}', cancelling load operation`);
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
