import { CodedError } from '../../model/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import { bugText } from '../bug-text.ts';
import { ForbiddenError } from '../refusals.ts';

/** What the row of a failed job says: the text of the error, or of a refusal the whole body that a request gets. */
export function failureMessage(error: unknown, log: Logger): unknown {
  if (error instanceof ForbiddenError) return error.body;
  if (error instanceof CodedError) return error.message;
  log.error({ err: error }, 'job failed');
  return bugText;
}
