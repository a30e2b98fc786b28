import type { ChannelItem, WholeItem } from '../model/transaction.ts';
import type { ApplyResult, TransactionPart } from '../store/applier.ts';
import type { Source } from '../store/source.ts';
import type { Store } from '../store/store.ts';
import { inRealTime, type Later } from '../runtime/later.ts';
import { Waiters } from '../runtime/waiters.ts';

/** A channel of the same publisher whose transactions we apply in order: where its cursor is. */
export interface FollowedChannel {
  readonly storeId: string;
  readonly tableId: number;
  /** There is no room in quarantine for what comes next in it. */
  readonly isHeldUp?: boolean;
}

export interface PartGateOptions {
  readonly store: Store;
  /** How a channel of this peer is followed: undefined when it is not, or waits, or failed. */
  readonly followed: (channel: string) => FollowedChannel | undefined;
  /** How long one call waits for the other parts before it is asked again. */
  readonly waitMs: number;
  /** A channel waits for the others until this is disposed. */
  readonly stepAside?: (channel: string) => Disposable;
  /** A channel is on its way, which takes long over a slow link: to ask again soon would only be in its way. */
  readonly isComing?: (channel: string) => boolean;
  readonly later?: Later;
}

/** Times `waitMs`. */
const maxPauses = 5;
/** As much as one transaction may have. */
const maxKeptBytes = 64 << 20;

interface Arrival {
  readonly source: Source;
  /** What came next in its channel, and what came behind that. */
  readonly items: readonly ChannelItem[];
}

interface Gathering {
  readonly arrivals: Map<string, Arrival>;
  readonly waiting: Waiters;
  /** They met, and have to wait where there is no room. */
  isRefused: boolean;
}

/**
 * Where the parts of a transaction that travel in several channels of one peer meet, to be applied in one commit.
 *
 * Nothing is kept on disk: a part that waits has not moved its cursor, so after a crash it simply comes again. It is kept in
 * memory, also when it has waited long enough and is asked for again: over a slow link the others may take longer than any
 * of them waits. The waits cannot form a cycle, because one log gives all channels of a peer one order.
 */
export class PartGate {
  readonly #options: PartGateOptions;
  readonly #gatherings = new Map<string, Gathering>();

  constructor(options: PartGateOptions) {
    this.#options = options;
  }

  /**
   * Applies what has come in a channel, up to where it stops; undefined when the other parts of a transaction did not
   * come in time: ask again from the cursor.
   */
  async apply(
    channel: string,
    source: Source,
    items: readonly ChannelItem[],
  ): Promise<ApplyResult | undefined> {
    const result = await this.#applyWhole(channel, source, items);
    if (result?.stop?.kind !== 'assembled') return result;
    // Its pieces had come: now it is known what parts it has.
    const { item } = result.stop;
    return this.apply(channel, source, [item, ...items.filter(({ seq }) => seq > item.seq)]);
  }

  /** What was kept and has gone another way, or has nowhere to go: to be called now and then. */
  forgetPassed(): void {
    for (const [id, { arrivals, waiting }] of this.#gatherings)
      if (
        waiting.count === 0 &&
        [...arrivals.values()].every((one) => this.#isPassed(one.source, one.items[0]))
      )
        this.#gatherings.delete(id);
  }

  async #applyWhole(
    channel: string,
    source: Source,
    items: readonly ChannelItem[],
  ): Promise<ApplyResult | undefined> {
    const { store } = this.#options;
    let begin = 0;
    for (const [index, item] of items.entries()) {
      if (item.kind !== 'whole' || item.parts.length < 2 || !this.mustWait(channel, source, item)) continue;
      const before = await store.apply(source, items.slice(begin, index));
      if (before.stop) return before;
      const isNext = (before.cursor?.seq ?? 0) + 1 === item.seq;
      const outcome = isNext && (await this.#arrive(channel, source, item, items.slice(index + 1)));
      if (outcome === 'waiting') return undefined;
      if (outcome === 'quarantine-full') return { ...before, stop: { kind: outcome } };
      begin = index;
    }
    return store.apply(source, items.slice(begin));
  }

  /** Whether some other part has to come first, or at the same time. */
  mustWait(channel: string, source: Source, item: WholeItem): boolean {
    // What began here is here already; whether it really did is judged part by part.
    if (item.header.origin.storeId === this.#options.store.identity.storeId) return false;
    return this.#missing(channel, source, item).length > 0;
  }

  /**
   * Brings a part. Resolves to `passed` once its number was applied here with the others or no other part is
   * awaited any more; `waiting` when they did not come in time: ask again; `quarantine-full` when there is no
   * room for them, or for what another channel has before its part.
   *
   * @param behind has come in the channel after it: what of it is whole too may be applied as well
   */
  async #arrive(
    channel: string,
    source: Source,
    item: WholeItem,
    behind: readonly ChannelItem[],
  ): Promise<'passed' | 'waiting' | 'quarantine-full'> {
    const { id } = item.header;
    this.forgetPassed();
    const gathering = this.#gatherings.get(id) ?? {
      arrivals: new Map<string, Arrival>(),
      waiting: new Waiters(),
      isRefused: false,
    };
    this.#gatherings.set(id, gathering);
    gathering.arrivals.set(channel, { source, items: [item, ...behind] });
    const missing = this.#missing(channel, source, item);
    if (missing.length === 0) return this.#leave(id, channel, 'passed');
    if (missing.every((name) => gathering.arrivals.has(name)))
      return this.#meet(id, gathering, [channel, ...missing]);
    if (missing.some((name) => this.#options.followed(name)?.isHeldUp))
      return this.#leave(id, channel, 'quarantine-full');
    using _aside = this.#options.stepAside?.(channel);
    const { later = inRealTime, waitMs } = this.#options;
    const isPassed = (): boolean => this.#isPassed(source, item);
    const isOpen = (): boolean => this.#gatherings.get(id) === gathering;
    for (let pauses = 0; pauses < maxPauses; pauses += 1) {
      await gathering.waiting.wait(later, waitMs);
      if (gathering.isRefused) return 'quarantine-full';
      if (isPassed() || !isOpen() || !this.#isOneComing(channel, source, item)) break;
    }
    if (isPassed()) return this.#leave(id, channel, 'passed');
    // They met, and it came to nothing: whoever comes now begins another one.
    if (!isOpen()) return 'waiting';
    // What came behind it comes again with it.
    this.#keep(id, gathering, channel, { source, items: [item] });
    return 'waiting';
  }

  /** All parts are there. Whatever becomes of them, who waits for it goes on. */
  async #meet(
    id: string,
    gathering: Gathering,
    channels: readonly string[],
  ): Promise<'passed' | 'waiting' | 'quarantine-full'> {
    try {
      const arrivals = new Map([...gathering.arrivals].filter(([channel]) => channels.includes(channel)));
      const outcome = await this.#options.store.applyTogether(this.#wholeAmong(arrivals));
      gathering.isRefused = outcome === 'quarantine-full';
      if (outcome === 'applied') return 'passed';
      return gathering.isRefused ? 'quarantine-full' : 'waiting';
    } finally {
      this.#gatherings.delete(id);
      gathering.arrivals.clear();
      gathering.waiting.wake();
    }
  }

  /** The transaction whose parts have arrived, and those behind it that are next in the same channels and wait for no other. */
  #wholeAmong(arrivals: ReadonlyMap<string, Arrival>): TransactionPart[][] {
    const transactions: TransactionPart[][] = [];
    for (let index = 0; ; index += 1) {
      const parts = [...arrivals].flatMap(([channel, { source, items }]) => {
        const item = items[index];
        return item?.kind === 'whole' ? [{ channel, source, item }] : [];
      });
      // What they met for goes, whatever a part that came long ago says of channels that have forgotten theirs.
      const isWhole =
        index === 0 ||
        (parts.length === arrivals.size &&
          parts.every(
            ({ channel, source, item }) =>
              item.header.id === parts[0]?.item.header.id &&
              this.#missing(channel, source, item).every((name) => arrivals.has(name)),
          ));
      if (!isWhole) return transactions;
      transactions.push(parts);
    }
  }

  #isOneComing(channel: string, source: Source, item: WholeItem): boolean {
    const { isComing } = this.#options;
    return isComing !== undefined && this.#missing(channel, source, item).some(isComing);
  }

  /** Until the others come; where that is too much in all, those that have been kept longest come again. */
  #keep(id: string, gathering: Gathering, channel: string, arrival: Arrival): void {
    gathering.arrivals.set(channel, arrival);
    this.#gatherings.delete(id);
    this.#gatherings.set(id, gathering);
    for (const [oldest, { waiting }] of this.#gatherings) {
      if (oldest === id || this.#heldBytes <= maxKeptBytes) return;
      if (waiting.count === 0) this.#gatherings.delete(oldest);
    }
  }

  #isPassed({ storeId, table }: Source, item: ChannelItem | undefined): boolean {
    return (this.#options.store.cursors.get(storeId, table.id)?.seq ?? Infinity) >= (item?.seq ?? 0);
  }

  get #heldBytes(): number {
    return [...this.#gatherings.values()]
      .flatMap(({ arrivals }) => [...arrivals.values()])
      .flatMap(({ items }) => items)
      .reduce((sum, item) => sum + (item.kind === 'whole' ? item.changes.length : 0), 0);
  }

  #leave<T>(id: string, channel: string, result: T): T {
    const gathering = this.#gatherings.get(id);
    gathering?.arrivals.delete(channel);
    if (gathering?.arrivals.size === 0) this.#gatherings.delete(id);
    return result;
  }

  /** Channels whose part of the transaction we follow and have not reached. */
  #missing(channel: string, { storeId }: Source, item: WholeItem): string[] {
    return item.parts.flatMap((part) => {
      if (part.channel === channel) return [];
      const followed = this.#options.followed(part.channel);
      if (!followed) return [];
      // Of the store that sent this part: what the peer said of itself may be older.
      const cursor = this.#options.store.cursors.get(storeId, followed.tableId);
      return cursor && !cursor.copy && cursor.seq < part.seq ? [part.channel] : [];
    });
  }
}
