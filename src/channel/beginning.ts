import { stoppedReason } from '../model/subscription.ts';
import { createdTime, updatedTime } from '../model/table.ts';
import { hasLeftOut, type Cursor } from '../store/cursors.ts';
import type { Source } from '../store/source.ts';
import type { Store } from '../store/store.ts';
import type { AgreedChannel } from './agreed-channel.ts';
import type { ChannelRequest, ChannelResponse } from './protocol.ts';
import type { Questions } from './questions.ts';
import type { ReceiverState } from './receiver-state.ts';

export interface BeginningOptions {
  readonly store: Store;
  readonly peer: string;
  readonly database: string;
  readonly tableName: string;
  readonly agreed: AgreedChannel;
  readonly questions: Questions;
  /** Store id of the peer, as it last said. */
  readonly peerStoreId: () => string | undefined;
  readonly now: () => number;
}

export interface Begun {
  readonly state: ReceiverState;
  /** The publisher has more than the place where following begins. */
  readonly hasBacklog: boolean;
}

/** How a receiver subscribes: names its place in the store, and goes from there as the publisher answers. */
export class Beginning {
  readonly #options: BeginningOptions;
  /** The place that was there when it asked last, and in which store of the peer. */
  #asked: { readonly storeId: string | undefined; readonly cursor: Cursor | undefined } | undefined;

  constructor(options: BeginningOptions) {
    this.#options = options;
  }

  question(isStreamTorn: boolean): ChannelRequest {
    const { store, database, tableName, agreed, questions, peerStoreId } = this.#options;
    const table = store.catalog.table(database, tableName);
    const storeId = peerStoreId();
    const stored = table && storeId !== undefined ? store.cursors.get(storeId, table.id) : undefined;
    this.#asked = { storeId, cursor: stored };
    const cursor = hasLeftOut(stored, () => agreed.newerThan) ? undefined : stored;
    return questions.subscribe(storeId, cursor, isStreamTorn);
  }

  /** What the answer leads to: `subscribing` when it is not about where this channel is now, so that it has to ask again. */
  async answered(response: Extract<ChannelResponse, { kind: 'begin' }>): Promise<Begun> {
    const { store, peer, database, tableName, agreed } = this.#options;
    if (!agreed.isTaken) return begun(this.#notTaken);
    const { primaryKey } = response;
    // Only a table with declared attributes has no times in it, and none is made here.
    const isOverwritten = primaryKey === createdTime || primaryKey === updatedTime;
    if (isOverwritten && !store.catalog.table(database, tableName))
      return begun({
        kind: 'failed',
        reason: `primary key '${primaryKey}' of ${peer} is where tables that are made here keep the time`,
      });
    const table = await agreed.table(primaryKey);
    if (!table) return begun(this.#notTaken);
    if (table.primaryKey !== primaryKey)
      return begun({
        kind: 'failed',
        reason: `primary key differs: '${table.primaryKey}' here, '${primaryKey}' at ${peer}`,
      });
    const { start, identity, head } = response;
    const { newerThan } = agreed;
    const source: Source = { peer, table, ...identity, newerThan };
    const stored = store.cursors.get(source.storeId, table.id);
    if (start.kind === 'copy') return begun(await this.#copy(source, stored, start));
    // Also where it answers what was asked under another agreement.
    const isServed =
      stored?.incarnation === source.incarnation && !stored.copy && !hasLeftOut(stored, () => newerThan);
    if (!isServed) return begun({ kind: 'subscribing' });
    const stream = start.kind === 'stream' ? { stream: start.stream, consumer: start.consumer } : undefined;
    return begun({ kind: 'following', source, stream }, stored.seq < head.seq);
  }

  get #notTaken(): ReceiverState {
    const { subscription } = this.#options.agreed;
    return { kind: 'waiting', reason: subscription?.stopped ? stoppedReason() : 'not subscribed' };
  }

  /** Goes on with the copy that is under way, or notes in the store that this one begins. */
  async #copy(
    source: Source,
    stored: Cursor | undefined,
    start: Extract<Extract<ChannelResponse, { kind: 'begin' }>['start'], { kind: 'copy' }>,
  ): Promise<ReceiverState> {
    const { store, now } = this.#options;
    const { table, storeId, incarnation, newerThan } = source;
    const { copyId } = start;
    const isUnderWay = stored?.copy?.id === copyId && stored.incarnation === incarnation;
    if (isUnderWay) return { kind: 'copying', source, copyId };
    const asked = this.#asked?.storeId === storeId ? this.#asked.cursor : stored;
    const isBegun = await store.beginCopy(source, asked, {
      incarnation,
      ...start.noted,
      ...(newerThan > 0 ? { newerThan } : {}),
      copy: {
        id: copyId,
        afterKey: undefined,
        rows: 0,
        total: start.total,
        startedAtMs: now(),
        marks: start.marks,
        ...(store.hasRows(table) ? { unproven: { id: copyId } } : {}),
      },
    });
    // The answer was late: what it goes on from is not where this channel is any more.
    return isBegun ? { kind: 'copying', source, copyId } : { kind: 'subscribing' };
  }
}

function begun(state: ReceiverState, hasBacklog = false): Begun {
  return { state, hasBacklog };
}
