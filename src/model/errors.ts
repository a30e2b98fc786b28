/**
 * Why a request or a step was refused. Codes are public: add, never rename.
 * The HTTP status of each is decided in `http/error-response.ts` and nowhere else.
 */
export type ErrorCode =
  | 'invalid_request'
  | 'invalid_request_legacy_500'
  | 'invalid_name'
  | 'database_exists'
  | 'database_missing'
  | 'table_exists'
  | 'table_missing'
  | 'attribute_exists'
  | 'attribute_missing'
  | 'not_found'
  | 'already_exists'
  | 'in_use'
  | 'record_changed'
  | 'invalid_key'
  | 'too_large'
  | 'forbidden'
  | 'unauthenticated'
  | 'token_expired'
  | 'too_many_logins'
  | 'clustering_disabled'
  | 'node_missing'
  | 'join_refused'
  | 'name_in_use'
  | 'storage_failed'
  | 'stream_unavailable'
  | 'unavailable'
  | 'undecodable'
  | 'start_failed';

/** An error that a caller can act on; anything without a code is a bug. */
export class CodedError extends Error {
  override readonly name: string = 'CodedError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
