import { CodedError } from '../../model/errors.ts';
import type { Store } from '../../store/store.ts';
import type { OperationContext } from '../operation.ts';
import { unlessAway } from './bridge-answer.ts';
import { checkNodeRequest, requireReplication } from './known-nodes.ts';
import type { NodeRequest } from './node-request.ts';
import { mergedRow, takenBack, type Merged } from './node-row.ts';

/** How long an answer waits for the other node before it says yes and leaves the rest to retries. */
const connectTimeoutMs = 5_000;

/** What waits for the answers of other nodes. */
const waiting = new WeakMap<Store, Set<Merged>>();

/**
 * Stores the node and tries to reach it. A node that is down is retried for ever and is no error; one that
 * refuses us is, and then what the request asked for is taken back.
 *
 * @throws CodedError `clustering_disabled`, `invalid_request`, `join_refused`, `name_in_use`
 */
export async function connectNode(context: OperationContext, request: NodeRequest): Promise<void> {
  const replication = requireReplication(context);
  checkNodeRequest(context, request);
  const { nodes } = context.store;
  const others = waiting.get(context.store) ?? new Set<Merged>();
  const stored: Merged = { request, version: 0, before: undefined };
  waiting.set(context.store, others.add(stored));
  try {
    await storeNode(context, stored);
    // A bridge that does not answer is one more way to be unreachable.
    const outcome = await unlessAway(replication.connect(request.name, connectTimeoutMs), undefined);
    if (outcome?.kind !== 'refused') return;
    // Only now is it known what else was decided while the other node was waited for.
    await nodes.update(request.name, (row) => {
      // What was asked later and is refused, too, must not put this back.
      for (const other of others) forget(other, stored);
      return row && takenBack(row, stored);
    });
    replication.wake();
    throw new CodedError(outcome.code, outcome.reason);
  } finally {
    others.delete(stored);
  }
}

function forget(other: Merged, refused: Merged): void {
  if (other === refused || other.request.name !== refused.request.name || other.before === undefined) return;
  const before = takenBack(other.before, refused);
  if (before !== undefined) other.before = before ?? undefined;
}

/**
 * Stores what changed at a node that is known, and tells the replication process to look; one that is not is
 * connected as by {@link connectNode}.
 *
 * @param check run inside the commit: throws where the node may have been removed a moment ago, and must be known
 */
export async function changeNode(
  context: OperationContext,
  request: NodeRequest,
  check?: () => void,
): Promise<void> {
  if (context.store.nodes.knownNamed(request.name) === undefined) return connectNode(context, request);
  const replication = requireReplication(context);
  checkNodeRequest(context, request);
  await storeNode(context, { request, version: 0, before: undefined }, check);
  replication.wake();
}

async function storeNode({ store }: OperationContext, stored: Merged, check?: () => void): Promise<void> {
  const { request } = stored;
  await store.nodes.decide((version, put) => {
    check?.();
    stored.version = version;
    stored.before = store.nodes.get(request.name);
    put(mergedRow(stored.before, request, version));
  });
}
