import type { Document, Key } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import type { OperationContext } from '../operation.ts';
import { validationMessage } from '../validation-message.ts';
import { checkNodeRequest, isKnownNode, markRemoved } from './known-nodes.ts';
import { nodeRequest, type NodeRequest } from './node-request.ts';
import { mergedRow } from './node-row.ts';

/**
 * Takes rows of `system.hdb_nodes` as what they ask for: a row carries versions that both ends compare, so it is
 * stored as set_node_replication would store it. Its subscriptions are put into the row; the others stay.
 *
 * @throws CodedError `invalid_request` before any is stored
 */
export async function writeNodeRows(
  context: OperationContext,
  operation: 'insert' | 'update' | 'upsert',
  records: readonly Document[],
): Promise<{ readonly written: readonly Key[]; readonly skipped: readonly Key[] }> {
  const { nodes } = context.store;
  const requests = records.map((record) => requestOf(context, record));
  const written: Key[] = [];
  const skipped: Key[] = [];
  for (const request of requests) {
    const version = await nodes.nextVersion();
    const stored = await nodes.update(request.name, (existing) => {
      const isKnown = nodes.knownNamed(request.name) !== undefined;
      if (operation === (isKnown ? 'insert' : 'update')) return undefined;
      return mergedRow(existing, request, version);
    });
    (stored === undefined ? skipped : written).push(request.name);
  }
  context.replication?.wake();
  return { written, skipped };
}

/** Removes nodes as remove_node does; unknown ones are skipped. */
export async function removeNodeRows(
  { store, replication }: OperationContext,
  keys: readonly Key[],
): Promise<{ readonly deleted: readonly Key[]; readonly skipped: readonly Key[] }> {
  const deleted: Key[] = [];
  const skipped: Key[] = [];
  for (const key of keys) {
    const isKnown = typeof key === 'string' && isKnownNode(store, key);
    (isKnown ? deleted : skipped).push(key);
    if (!isKnown) continue;
    const version = await store.nodes.nextVersion();
    await markRemoved(store, key, version);
  }
  replication?.wake();
  return { deleted, skipped };
}

function requestOf(context: OperationContext, record: Document): NodeRequest {
  const parsed = nodeRequest.safeParse({ subscriptions: [], ...record }, { reportInput: true });
  if (!parsed.success) throw new CodedError('invalid_request', validationMessage(parsed.error));
  checkNodeRequest(context, parsed.data);
  return parsed.data;
}
