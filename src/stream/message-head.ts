import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { wireFormat } from '../model/transaction-codec.ts';

/** Which history of which table a stream carries. */
export interface StreamIdentity {
  readonly storeId: string;
  readonly incarnation: string;
}

/** What the headers of a message say of its body. */
export interface MessageHead extends StreamIdentity {
  readonly first: number;
  readonly last: number;
  /** Id of transaction `last`. */
  readonly lastId: string;
  /** The message ends in the middle of a transaction that is larger than a message. */
  readonly isPartial: boolean;
}

const headerNames = {
  format: 'Lyre-Format',
  storeId: 'Lyre-Store',
  incarnation: 'Lyre-Incarnation',
  first: 'Lyre-First',
  last: 'Lyre-Last',
  lastId: 'Lyre-Last-Id',
  partial: 'Lyre-Partial',
} as const;

export function headersOf(head: MessageHead): MsgHdrs {
  const list = headers();
  list.set(headerNames.format, String(wireFormat));
  list.set(headerNames.storeId, head.storeId);
  list.set(headerNames.incarnation, head.incarnation);
  list.set(headerNames.first, String(head.first));
  list.set(headerNames.last, String(head.last));
  list.set(headerNames.lastId, head.lastId);
  if (head.isPartial) list.set(headerNames.partial, '1');
  return list;
}

/** undefined when a message is not one of this format. */
export function parseHead(list: MsgHdrs | undefined): MessageHead | undefined {
  if (list?.get(headerNames.format) !== String(wireFormat)) return undefined;
  const first = Number(list.get(headerNames.first));
  const last = Number(list.get(headerNames.last));
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return undefined;
  return {
    storeId: list.get(headerNames.storeId),
    incarnation: list.get(headerNames.incarnation),
    first,
    last,
    lastId: list.get(headerNames.lastId),
    isPartial: list.get(headerNames.partial) === '1',
  };
}
