import { CodedError } from '../../model/errors.ts';
import type { NodeRow } from '../../model/node.ts';
import type { ReplicationControl } from '../../model/replication-control.ts';
import type { OperationContext } from '../operation.ts';
import { unlessAway } from './bridge-answer.ts';
import { checkNodeRequest, requireReplication } from './known-nodes.ts';
import type { NodeRequest } from './node-request.ts';
import { mergedRow } from './node-row.ts';

/** How long an answer waits for the other node before it says yes and leaves the rest to retries. */
const connectTimeoutMs = 5_000;

/**
 * Stores the node and tries to reach it. A node that is down is retried for ever and is no error; one that
 * refuses us is, and then its row is put back as it was.
 *
 * @throws CodedError `clustering_disabled`, `invalid_request`, `join_refused`, `name_in_use`
 */
export async function connectNode(context: OperationContext, request: NodeRequest): Promise<void> {
  const { replication, version, before } = await storeNode(context, request);
  // A bridge that does not answer is one more way to be unreachable.
  const outcome = await unlessAway(replication.connect(request.name, connectTimeoutMs), undefined);
  if (outcome?.kind !== 'refused') return;
  await restore(context, request.name, version, before);
  throw new CodedError(outcome.code, outcome.reason);
}

/**
 * Stores what changed at a node that is known, and tells the replication process to look; one that is not is
 * connected as by {@link connectNode}.
 */
export async function changeNode(context: OperationContext, request: NodeRequest): Promise<void> {
  if (context.store.nodes.knownNamed(request.name) === undefined) return connectNode(context, request);
  const { replication } = await storeNode(context, request);
  replication.wake();
}

interface Stored {
  readonly replication: ReplicationControl;
  readonly version: number;
  /** The row that was there. */
  readonly before: NodeRow | undefined;
}

async function storeNode(context: OperationContext, request: NodeRequest): Promise<Stored> {
  const replication = requireReplication(context);
  checkNodeRequest(context, request);
  const { nodes } = context.store;
  const version = await nodes.nextVersion();
  let before: NodeRow | undefined;
  await nodes.update(request.name, (existing) => {
    before = existing;
    return mergedRow(existing, request, version);
  });
  return { replication, version, before };
}

async function restore(
  { store, replication }: OperationContext,
  name: string,
  version: number,
  before: NodeRow | undefined,
): Promise<void> {
  // Whoever has changed the row since then decided later, and stays.
  if (store.nodes.get(name)?.addedVersion !== version) return;
  if (before === undefined) await store.replaceSystemDocument('hdb_nodes', name, null);
  else await store.nodes.put(before);
  replication?.wake();
}
