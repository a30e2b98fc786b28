import type { Origin } from '../../src/model/change.ts';
import type { TransactionHeader } from '../../src/model/transaction.ts';

/** Of an upsert that a node has committed, as its channel tells it. */
export function writeHeader(id: string, origin: Origin, version: number): TransactionHeader {
  return { id, kind: 'write', origin, version, via: undefined, operation: 'upsert', user: undefined };
}
