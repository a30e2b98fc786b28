import type { Config } from '../config/config.ts';
import { storedVerifier } from '../channel/cluster-verifier.ts';
import { CodedError } from '../model/errors.ts';
import { makeVerifier } from '../model/scram.ts';
import { hasUserWithRole, provideRoles, putUser } from '../operation/user/put-user.ts';
import { findUser } from '../operation/user/user.ts';
import type { Store } from '../store/store.ts';

/**
 * Creates the built-in roles and the administrator at the first start, and the cluster user when clustering is on.
 * There is no default password.
 *
 * @throws CodedError `start_failed`
 */
export async function provideUsers(store: Store, config: Config): Promise<void> {
  await provideRoles(store);
  const { username, password } = config.admin;
  if (!hasUserWithRole(store, 'super_user')) {
    if (!username || !password)
      throw new CodedError(
        'start_failed',
        'This node has no administrator yet: set HDB_ADMIN_USERNAME and HDB_ADMIN_PASSWORD for its first start',
      );
    await putUser(store, { username, password, role: 'super_user' });
  }
  const { enabled, user, password: clusterPassword } = config.clustering;
  if (!enabled || !user || !clusterPassword) return;
  const known = storedVerifier(store, user);
  if (known) {
    const again = await makeVerifier(clusterPassword, Buffer.from(known.salt, 'base64'), known.iterations);
    if (again.storedKey === known.storedKey) return;
  }
  const role = findUser(store, user)?.user.role;
  if (role !== undefined && role.permission['cluster_user'] !== true)
    throw new CodedError(
      'start_failed',
      `The user ${user} has the role ${role.role} and cannot be the cluster user too: give CLUSTERING_USER a name of its own`,
    );
  await putUser(store, {
    username: user,
    password: clusterPassword,
    role: 'cluster_user',
    // Who was switched off stays so, whatever the configuration says of the password.
    active: findUser(store, user)?.user.active,
    extra: { scram: await makeVerifier(clusterPassword) },
  });
}
