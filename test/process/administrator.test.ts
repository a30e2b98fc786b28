import { expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/config.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { findUser } from '../../src/operation/user/user.ts';
import { provideUsers } from '../../src/process/administrator.ts';
import { TestStore } from '../store/test-store.ts';

function configOf(user: string): Config {
  const env = {
    ...{ HDB_ADMIN_USERNAME: 'admin', HDB_ADMIN_PASSWORD: 'one' },
    ...{ CLUSTERING: 'true', CLUSTERING_USER: user, CLUSTERING_PASSWORD: 'two' },
  };
  return loadConfig({ env, cwd: '/nowhere' });
}

it('makes the administrator and the cluster user', async () => {
  await using t = await TestStore.open();

  await provideUsers(t.store, configOf('cluster'));

  expect(findUser(t.store, 'admin')?.user.isSuperUser).toBe(true);
  expect(findUser(t.store, 'cluster')?.user.role.permission).toEqual({ cluster_user: true });
});

it('leaves a user alone that has the name of the cluster user and another role', async () => {
  await using t = await TestStore.open();
  await provideUsers(t.store, configOf('cluster'));
  const { clustering, ...config } = configOf('another');

  const started = provideUsers(t.store, { ...config, clustering: { ...clustering, user: 'admin' } });

  await expect(started).rejects.toMatchObject({
    code: 'start_failed',
    message: expect.stringMatching(/admin has the role super_user .*CLUSTERING_USER/),
  });
  expect(findUser(t.store, 'admin')?.user.isSuperUser).toBe(true);
});

it('is not asked to make both of one name', () => {
  expect(() => configOf('admin')).toThrow(ConfigError);
  expect(() => configOf('admin')).toThrow(/clustering.user is also the administrator.*CLUSTERING_USER/);
});
