import { CodedError } from '../model/errors.ts';
import { systemDatabase } from '../model/table.ts';
import { defaultDatabase } from './field.ts';
import type { User } from './user/user.ts';

/** Who may run an operation: super users, everybody, or who has this right on the table that the request names. */
export type Permission = 'super_user' | 'any' | 'describe' | 'read' | 'insert' | 'update' | 'delete';

/** A refusal with the lists that clients match on. */
export class ForbiddenError extends CodedError {
  override readonly name = 'ForbiddenError';
  readonly unauthorizedAccess: readonly string[];
  readonly invalidSchemaItems: readonly string[];

  constructor(lists: { unauthorizedAccess?: readonly string[]; invalidSchemaItems?: readonly string[] }) {
    super(
      'forbidden',
      'This operation is not authorized due to role restrictions and/or invalid database items',
    );
    this.unauthorizedAccess = lists.unauthorizedAccess ?? [];
    this.invalidSchemaItems = lists.invalidSchemaItems ?? [];
  }
}

/**
 * Refuses what the user may not do. Super users may everything; other roles have no rights on tables yet, so
 * every table looks to them as if it did not exist.
 *
 * @throws ForbiddenError
 */
export function checkPermission(request: {
  readonly user: User;
  readonly permission: Permission;
  readonly refusalName: string;
  readonly body: Readonly<Record<string, unknown>>;
}): void {
  const { user, permission, refusalName, body } = request;
  if (user.isSuperUser || permission === 'any') return;
  if (permission === 'super_user') {
    throw new ForbiddenError({
      unauthorizedAccess: [`Operation '${refusalName}' is restricted to 'super_user' roles`],
    });
  }
  const named = body['schema'];
  const database = typeof named === 'string' || typeof named === 'number' ? String(named) : defaultDatabase;
  if (permission === 'describe' && database === systemDatabase) {
    throw new ForbiddenError({
      unauthorizedAccess: [
        `Your role does not have permission to view database metadata for '${systemDatabase}'`,
      ],
    });
  }
  throw new ForbiddenError({ invalidSchemaItems: [`database '${database}' does not exist`] });
}

/**
 * Refuses changes to what the server keeps for itself.
 *
 * @throws CodedError `forbidden`
 */
export function refuseSystemDatabase(database: string): void {
  if (database === systemDatabase) {
    throw new CodedError(
      'forbidden',
      "The 'system' database, tables and records are used internally by HarperDB and cannot be updated or removed.",
    );
  }
}
