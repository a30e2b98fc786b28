import { expect, it } from 'vitest';
import { childEnvironment } from '../../src/config/child-environment.ts';

it('keeps what a program may need, and no password under any of its names', () => {
  const kept = { PATH: '/bin', GOMEMLIMIT: '64MiB', CLUSTERING_USER: 'cluster', HDB_ADMIN_USERNAME: 'admin' };
  const secrets = {
    HDB_ADMIN_PASSWORD: 'one',
    CLUSTERING_PASSWORD: 'two',
    clustering_password: 'two',
    CLI_TARGET_PASSWORD: 'three',
    HDB_LEADER_PASSWORD: 'four',
  };

  expect(childEnvironment({ ...kept, ...secrets })).toEqual(kept);
});
