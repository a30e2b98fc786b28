import { expect } from 'vitest';
import { findOperation } from '../../src/operation/registry.ts';
import { isDocument } from '../../src/operation/field.ts';
import { validationMessage } from '../../src/operation/validation-message.ts';

/** Fails unless the answer of the operation that the body names is what its definition says. */
export function checkAnswer(body: unknown, answer: unknown): void {
  const name = isDocument(body) ? body['operation'] : undefined;
  const operation = typeof name === 'string' ? findOperation(name) : undefined;
  const told: unknown = answer === undefined ? undefined : JSON.parse(JSON.stringify(answer));
  const checked = operation?.response.safeParse(told, { reportInput: true });
  if (checked?.success === false) {
    expect.fail(
      `The answer of '${String(name)}' is not what its definition says: ${validationMessage(checked.error)}\n` +
        JSON.stringify(told).slice(0, 2_000),
    );
  }
}
