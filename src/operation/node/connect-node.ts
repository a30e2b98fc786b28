import { CodedError } from '../../model/errors.ts';
import type { OperationContext } from '../operation.ts';
import { unlessAway } from './bridge-answer.ts';
import { checkNodeRequest, requireReplication } from './known-nodes.ts';
import type { NodeRequest } from './node-request.ts';
import { mergedRow, takenBack, type Merged } from './node-row.ts';

/** How long an answer waits for the other node before it says yes and leaves the rest to retries. */
const connectTimeoutMs = 5_000;

/**
 * Stores the node and tries to reach it. A node that is down is retried for ever and is no error; one that
 * refuses us is, and then what the request asked for is taken back.
 *
 * @throws CodedError `clustering_disabled`, `invalid_request`, `join_refused`, `name_in_use`
 */
export async function connectNode(context: OperationContext, request: NodeRequest): Promise<void> {
  const replication = requireReplication(context);
  checkNodeRequest(context, request);
  const stored = await storeNode(context, request);
  // A bridge that does not answer is one more way to be unreachable.
  const outcome = await unlessAway(replication.connect(request.name, connectTimeoutMs), undefined);
  if (outcome?.kind !== 'refused') return;
  // Only now is it known what else was decided while the other node was waited for.
  await context.store.nodes.update(request.name, (row) => row && takenBack(row, stored));
  replication.wake();
  throw new CodedError(outcome.code, outcome.reason);
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
  await storeNode(context, request, check);
  replication.wake();
}

function storeNode({ store }: OperationContext, request: NodeRequest, check?: () => void): Promise<Merged> {
  return store.nodes.decide((version, put) => {
    check?.();
    const before = store.nodes.get(request.name);
    put(mergedRow(before, request, version));
    return { request, version, before };
  });
}
