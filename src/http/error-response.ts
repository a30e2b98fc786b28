import { CodedError, type ErrorCode } from '../model/errors.ts';
import { bugText } from '../operation/bug-text.ts';
import { ForbiddenError } from '../operation/refusals.ts';
import { RolePermissionError } from '../operation/role/role-problems.ts';
import { TooManyLoginsError } from '../operation/user/logins.ts';
import type { Logger } from '../runtime/logger.ts';

/** What to answer instead of a result. */
export interface ErrorResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The only place that knows the status of an error. */
const statusOf: Readonly<Record<ErrorCode, number>> = {
  invalid_request: 400,
  invalid_request_legacy_500: 500,
  invalid_name: 400,
  database_exists: 400,
  database_missing: 404,
  table_exists: 400,
  table_missing: 404,
  attribute_exists: 400,
  attribute_missing: 404,
  not_found: 404,
  already_exists: 409,
  in_use: 409,
  record_changed: 409,
  invalid_key: 400,
  too_large: 413,
  forbidden: 403,
  unauthenticated: 401,
  token_expired: 403,
  too_many_logins: 429,
  clustering_disabled: 400,
  node_missing: 400,
  join_refused: 400,
  name_in_use: 409,
  storage_failed: 507,
  stream_unavailable: 503,
  unavailable: 503,
  undecodable: 400,
  start_failed: 503,
};

/** The answer to an error. One without a code is a bug: it is logged with its stack and answered with 500. */
export function errorResponse(error: unknown, log: Logger): ErrorResponse {
  if (error instanceof ForbiddenError) return { status: statusOf[error.code], body: error.body };
  if (error instanceof RolePermissionError) {
    const { mainPermissions, tablePermissions } = error.problems;
    return {
      status: statusOf[error.code],
      body: {
        error: error.message,
        main_permissions: mainPermissions,
        schema_permissions: tablePermissions,
      },
    };
  }
  if (error instanceof TooManyLoginsError) {
    const seconds = Math.max(1, Math.ceil(error.retryAfterMs / 1_000));
    return {
      status: statusOf[error.code],
      body: { error: error.message },
      headers: { 'retry-after': String(seconds) },
    };
  }
  // The router could not read the path.
  if (error instanceof URIError)
    return { status: 400, body: { error: 'The path of the request is not valid' } };
  if (error instanceof CodedError) return { status: statusOf[error.code], body: { error: error.message } };
  log.error({ err: error }, 'request failed');
  return { status: 500, body: { error: bugText } };
}
