import { randomBytes, scryptSync } from 'node:crypto';
import { provideRoles } from '../../src/operation/user/put-user.ts';
import { systemTable } from '../../src/operation/system-table.ts';
import type { Store } from '../../src/store/store.ts';

export interface QuickUser {
  readonly username: string;
  readonly password: string;
  /** The id of one that is there; those that are built in always are. */
  readonly role: string;
}

/**
 * As `putUser`, for tests in which nobody waits for a hash: what a hash costs stands in it, so this one is checked like
 * any other, and neither to make nor to check it takes a tenth of a second.
 */
export async function putQuickUser(store: Store, { username, password, role }: QuickUser): Promise<void> {
  await provideRoles(store);
  const documents = [{ username, password: quickHash(password), role, active: true }];
  await store.write({ table: systemTable(store, 'hdb_user'), operation: 'upsert', documents });
}

/** A hash of the password that takes no time. */
export function quickHash(password: string): string {
  const salt = randomBytes(16);
  const hash = scryptSync(password.normalize('NFC'), salt, 32, { N: 1_024 });
  return `scrypt$1024$8$1$${salt.toString('base64')}$${hash.toString('base64')}`;
}
