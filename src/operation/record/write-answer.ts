import * as z from 'zod';
import { keys } from '../answer.ts';
import type { Key } from '../../model/change.ts';
import type { WriteOperation } from '../../model/transaction.ts';

const message = z.string();

/** What each write is answered with. */
export const writeAnswers = {
  insert: z.strictObject({ message, inserted_hashes: keys, skipped_hashes: keys }),
  update: z.strictObject({ message, update_hashes: keys, skipped_hashes: keys }),
  upsert: z.strictObject({ message, upserted_hashes: keys }),
  delete: z.strictObject({ message, deleted_hashes: keys, skipped_hashes: keys }),
};

export const anyWriteAnswer = z.union([
  writeAnswers.insert,
  writeAnswers.update,
  writeAnswers.upsert,
  writeAnswers.delete,
]);

/** What a write is answered with; clients match on the words and on which lists are there. */
export function writeAnswer(
  operation: WriteOperation,
  written: readonly Key[],
  skipped: readonly Key[],
): Readonly<Record<string, unknown>> {
  const total = written.length + skipped.length;
  switch (operation) {
    case 'insert':
      return {
        message: `inserted ${written.length} of ${total} records`,
        inserted_hashes: written,
        skipped_hashes: skipped,
      };
    case 'update':
      return {
        message: `updated ${written.length} of ${total} records`,
        update_hashes: written,
        skipped_hashes: skipped,
      };
    case 'upsert':
      return { message: `upserted ${written.length} of ${total} records`, upserted_hashes: written };
    case 'delete':
      return {
        message: `${written.length} of ${total} ${total === 1 ? 'record' : 'records'} successfully deleted`,
        deleted_hashes: written,
        skipped_hashes: skipped,
      };
  }
}
