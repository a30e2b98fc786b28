import { expect, test } from 'vitest';
import { checkAnswer } from './check-answer.ts';

test('an answer that its definition does not tell of is found', () => {
  const insert = { operation: 'insert' };
  const answer = { message: 'inserted 0 of 0 records', inserted_hashes: [], skipped_hashes: [] };

  checkAnswer(insert, answer);

  expect(() => checkAnswer(insert, { ...answer, more: 1 })).toThrow("The answer of 'insert'");
  expect(() => checkAnswer(insert, { ...answer, skipped_hashes: undefined })).toThrow(
    "'skipped_hashes' is required",
  );
});
