import type { Document, Key } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import type { OperationContext } from '../operation.ts';
import { validationMessage } from '../validation-message.ts';
import { checkNodeRequest, isKnownNode, removedNode } from './known-nodes.ts';
import { nodeRequest, type NodeRequest } from './node-request.ts';
import { mergedRow } from './node-row.ts';

/**
 * Takes rows of `system.hdb_nodes` as what they ask for: a row carries versions that both ends compare, so it is
 * stored as set_node_replication would store it. Its subscriptions are put into the row; the others stay.
 *
 * @throws CodedError `invalid_request`; none is stored then
 */
export async function writeNodeRows(
  context: OperationContext,
  operation: 'insert' | 'update' | 'upsert',
  records: readonly Document[],
): Promise<{ readonly written: readonly Key[]; readonly skipped: readonly Key[] }> {
  const { nodes } = context.store;
  const requests = records.map((record) => requestOf(context, record));
  const result = await nodes.decide((version, put) => {
    const written: Key[] = [];
    const skipped: Key[] = [];
    for (const request of requests) {
      const isKnown = nodes.knownNamed(request.name) !== undefined;
      const isSkipped = operation === (isKnown ? 'insert' : 'update');
      (isSkipped ? skipped : written).push(request.name);
      if (!isSkipped) put(mergedRow(nodes.get(request.name), request, version));
    }
    return { written, skipped };
  });
  context.replication?.wake();
  return result;
}

/** Removes nodes as remove_node does; unknown ones are skipped. */
export async function removeNodeRows(
  { store, replication }: OperationContext,
  keys: readonly Key[],
): Promise<{ readonly deleted: readonly Key[]; readonly skipped: readonly Key[] }> {
  const result = await store.nodes.decide((version, put) => {
    const deleted: Key[] = [];
    const skipped: Key[] = [];
    for (const key of keys) {
      const isKnown = typeof key === 'string' && isKnownNode(store, key);
      (isKnown ? deleted : skipped).push(key);
      if (isKnown) put(removedNode(store, key, version));
    }
    return { deleted, skipped };
  });
  replication?.wake();
  return result;
}

function requestOf(context: OperationContext, record: Document): NodeRequest {
  const parsed = nodeRequest.safeParse({ subscriptions: [], ...record }, { reportInput: true });
  if (!parsed.success) throw new CodedError('invalid_request', validationMessage(parsed.error));
  checkNodeRequest(context, parsed.data);
  return parsed.data;
}
