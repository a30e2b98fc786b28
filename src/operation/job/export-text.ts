import type { Document } from '../../model/change.ts';
import { csvDocumentsText, csvText } from '../csv-text.ts';

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
 * JSON is an array with one document on each line. CSV begins with a line of names.
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
    documents: (documents) => csvDocumentsText(documents, columns),
    tail: () => '',
  };
}
