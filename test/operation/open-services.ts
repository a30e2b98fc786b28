import { tmpdir } from 'node:os';
import { pino } from 'pino';
import { Jobs } from '../../src/operation/job/jobs.ts';
import type { BulkSettings, OperationServices } from '../../src/operation/operation.ts';
import { keepSuperUser } from '../../src/operation/user/keep-super-user.ts';
import type { Store } from '../../src/store/store.ts';
import { openAuthentication } from './open-authentication.ts';

export interface TestServicesOptions {
  readonly authentication?: OperationServices['authentication'];
  readonly replication?: OperationServices['replication'];
  readonly now?: () => number;
  readonly bulk?: Partial<BulkSettings>;
}

export interface TestServices extends AsyncDisposable {
  readonly services: OperationServices;
}

/** What operations use, over a store that stays the caller's. Close it before the store. */
export async function openServices(store: Store, options: TestServicesOptions = {}): Promise<TestServices> {
  const { replication, now = Date.now, bulk, authentication = openAuthentication(store, { now }) } = options;
  keepSuperUser(store);
  const jobs = await Jobs.open({ store, now, log: pino({ level: 'silent' }) });
  return {
    services: {
      store,
      replication,
      authentication,
      version: '0.1.0',
      now,
      jobs,
      bulk: {
        importDirectories: [],
        exportDirectories: [],
        scratchDirectory: tmpdir(),
        allowPrivateUrls: false,
        ...bulk,
      },
    },
    [Symbol.asyncDispose]: () => jobs[Symbol.asyncDispose](),
  };
}
