import { CodedError } from '../../model/errors.ts';
import type { NodeRow } from '../../model/node.ts';
import type { ReplicationControl } from '../../model/replication-control.ts';
import type { Store } from '../../store/store.ts';
import type { OperationContext } from '../operation.ts';
import { refuseCaseTwin } from '../schema/case-twin.ts';
import type { NodeRequest } from './node-request.ts';
import { removedRow } from './node-row.ts';

/** Whether there is something to remove: also a row that cannot be read. */
export function isKnownNode({ nodes }: Store, name: string): boolean {
  return nodes.knownNamed(name) !== undefined || nodes.isUnreadable(name);
}

/** Its row of a node that is removed, also where that cannot be read. */
export function removedNode({ nodes }: Store, name: string, version: number): NodeRow {
  return removedRow(nodes.get(name) ?? { name, subscriptions: [], addedVersion: 0 }, version);
}

/** @throws CodedError `node_missing` that ends with what to do */
export function refuseUnknownNode(store: Store, name: string, whatToDo: string): void {
  if (!isKnownNode(store, name)) {
    throw new CodedError('node_missing', `Node '${name}' is not known to this node; ${whatToDo}`);
  }
}

/** @throws CodedError `clustering_disabled` */
export function requireReplication({ replication }: OperationContext): ReplicationControl {
  if (replication !== undefined) return replication;
  throw new CodedError(
    'clustering_disabled',
    'Clustering is not enabled on this node: set CLUSTERING_ENABLED=true, CLUSTERING_USER, CLUSTERING_PASSWORD ' +
      'and CLUSTERING_NODENAME, then restart',
  );
}

/** Refuses what can be known to be wrong before the node is asked. */
export function checkNodeRequest({ store }: OperationContext, { name, subscriptions }: NodeRequest): void {
  if (name === store.nodeName) {
    throw new CodedError('invalid_request', `'${name}' is this node; a node cannot be added to itself`);
  }
  for (const { database, table } of subscriptions) {
    refuseCaseTwin('database', database, store.catalog.databases());
    refuseCaseTwin(
      'table',
      table,
      store.catalog.tables(database).map((existing) => existing.name),
    );
  }
}
