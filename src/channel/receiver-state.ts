import type { ChannelItem, OriginPlace } from '../model/transaction.ts';
import type { Source } from '../store/source.ts';
import type { ChannelResponse } from './protocol.ts';
import type { StreamPlace } from './stream-directory.ts';

/** Where a subscription stands, as `cluster_status` tells it. */
export type ReceiverState =
  | { readonly kind: 'subscribing' }
  | { readonly kind: 'waiting'; readonly reason: string }
  /** `isBug`: the reason is for this node alone. */
  | { readonly kind: 'failed'; readonly reason: string; readonly isBug?: boolean }
  /** There is no room in quarantine for what comes next: until a person makes some, other parts of it wait as well. */
  | { readonly kind: 'quarantine-full'; readonly reason: string }
  | { readonly kind: 'copying'; readonly source: Source; readonly copyId: string }
  | { readonly kind: 'following'; readonly source: Source; readonly stream: StreamPlace | undefined }
  /** The next transaction, which began in another store, came without its body; that is expected by another link until `untilMs`. */
  | {
      readonly kind: 'awaiting-body';
      readonly source: Source;
      readonly storeId: string;
      readonly place: OriginPlace;
      readonly untilMs: number;
      /** From that transaction on: to ask for it again after every body would take for ever. */
      readonly behind: Arrived;
    };

/** What came of a channel, opened. */
export interface Arrived extends Pick<Extract<ChannelResponse, { kind: 'items' }>, 'head' | 'hasStream'> {
  readonly items: readonly ChannelItem[];
}
