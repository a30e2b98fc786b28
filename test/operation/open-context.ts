import type {
  ConnectOutcome,
  NetworkNode,
  ReplicationControl,
  ReplicationStatus,
  VerifiedTable,
} from '../../src/model/replication-control.ts';
import type { OperationContext } from '../../src/operation/operation.ts';
import { FileAnswer } from '../../src/operation/file-answer.ts';
import { Rows } from '../../src/operation/rows.ts';
import { runOperation } from '../../src/operation/run-operation.ts';
import { localUser, type User } from '../../src/operation/user/user.ts';
import { Store } from '../../src/store/store.ts';
import { TemporaryDirectory } from '../store/test-store.ts';
import { checkAnswer } from './check-answer.ts';
import { openServices, type TestServicesOptions } from './open-services.ts';

/** A context over a fresh store; `call` runs an operation as super user unless told otherwise, and checks its answer. */
export interface TestContext extends AsyncDisposable {
  readonly path: string;
  readonly store: Store;
  readonly context: OperationContext;
  call(body: unknown, user?: User): Promise<unknown>;
}

export async function openContext({
  minFreeDiskBytes = 0,
  ...options
}: TestServicesOptions & { readonly minFreeDiskBytes?: number } = {}): Promise<TestContext> {
  const directory = await TemporaryDirectory.make();
  const { path } = directory;
  const store = await Store.open({
    path,
    nodeName: 'n1',
    role: 'api',
    mapSizeBytes: 2 ** 28,
    minFreeDiskBytes,
  });
  const opened = await openServices(store, options);
  const context: OperationContext = { ...opened.services, user: localUser };
  return {
    path,
    store,
    context,
    async call(body, user = localUser) {
      const answer = await runOperation({ ...context, user }, body);
      const told = answer instanceof Rows ? [...answer] : answer;
      if (!(told instanceof FileAnswer)) checkAnswer(body, told);
      return told;
    },
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** A bridge that lives in memory: it answers what it is told to and counts what it is asked. */
export class MemoryReplication implements ReplicationControl {
  outcome: ConnectOutcome | Error = { kind: 'connected' };
  told: ReplicationStatus | Error = { nats: 'running', peers: [], alarms: [] };
  nodes: readonly NetworkNode[] | Error = [];
  verified: readonly VerifiedTable[] | Error = [];
  inForce: boolean | Error = true;
  readonly connected: string[] = [];
  readonly purged: string[] = [];
  wakes = 0;

  status(): Promise<ReplicationStatus> {
    return answer(this.told);
  }

  connect(node: string): Promise<ConnectOutcome> {
    this.connected.push(node);
    return answer(this.outcome);
  }

  arePeersInForce(): Promise<boolean> {
    return answer(this.inForce);
  }

  network(): Promise<readonly NetworkNode[]> {
    return answer(this.nodes);
  }

  verify(): Promise<readonly VerifiedTable[]> {
    return answer(this.verified);
  }

  purge(database: string, table: string): Promise<void> {
    this.purged.push(`${database}:${table}`);
    return Promise.resolve();
  }

  wake(): void {
    this.wakes += 1;
  }
}

/** A user whose role grants nothing. */
export const clusterUser: User = {
  username: 'cluster',
  active: true,
  role: { id: 'cluster_user', role: 'cluster_user', permission: { cluster_user: true } },
  isSuperUser: false,
};

function answer<T>(value: T | Error): Promise<T> {
  return value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
}
