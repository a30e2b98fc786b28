import { CodedError } from '../../model/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import { ForbiddenError } from '../refusals.ts';

/** What the row of a failed job says: the text of the error, or of a refusal the whole body that a request gets. */
export function failureMessage(error: unknown, log: Logger): unknown {
  if (error instanceof ForbiddenError) {
    return {
      error: error.message,
      unauthorized_access: error.unauthorizedAccess,
      invalid_schema_items: error.invalidSchemaItems,
    };
  }
  if (error instanceof CodedError) return error.message;
  log.error({ err: error }, 'job failed');
  return 'There was an error processing your request. Check logs and try again.';
}
