import { parseChannelName } from '../model/channel-name.ts';
import type { NodeRow } from '../model/node.ts';
import { randomId } from '../model/random-id.ts';
import { stoppedReason } from '../model/subscription.ts';
import type { Table } from '../model/table.ts';
import { encodeChanges, type FramedItem } from '../model/transaction-codec.ts';
import { msToVersion } from '../model/version-clock.ts';
import { withoutClaim } from '../store/marks.ts';
import { isProven } from '../store/cursors.ts';
import type { Store } from '../store/store.ts';
import { encodedItems, encodedPieces, needsBody, type EncodedItem, type Reader } from './channel-items.ts';
import { KeptCut } from './kept-cut.ts';
import type { ChannelRequest, ChannelResponse } from './protocol.ts';
import type { WireCursor } from './wire-fields.ts';
import { packDigests, packEntries } from './packed-digests.ts';
import { CutAnswers } from './rows-in-parts.ts';
import type { StreamDirectory } from './stream-directory.ts';

export interface ChannelServerOptions {
  readonly store: Store;
  readonly streams: StreamDirectory;
  /** Target of one answer; one larger transaction comes in pieces of this size. */
  readonly maxBatchBytes: number;
  /** Ms of a clock that nobody sets. */
  readonly steadyMs: () => number;
}

type CopyStart = Extract<Extract<ChannelResponse, { kind: 'begin' }>['start'], { kind: 'copy' }>;

/** Reading for one answer holds the bridge no longer, however slow the disk is: it has to greet meanwhile. */
const readMs = 200;
const copyPageRows = 4_000;
/** Holds the bridge for some 20 ms, as a page of a copy does; half the rows would ask twice as often over a slow link. */
const digestPageRows = 8_192;

/**
 * Answers what subscribers ask of this node's channels, from the store alone.
 *
 * Every request names the place it goes on from with the id of the transaction there. The id is compared
 * with the log: a restored backup, a clone, a dropped and re-created table or a trimmed log is another
 * history, and the answer is to copy, never to guess. A copy that the log has overtaken goes on at its page key
 * from a new place.
 */
export class ChannelServer {
  readonly #options: ChannelServerOptions;
  readonly #cut: CutAnswers<Extract<ChannelResponse, { kind: 'page' | 'rows' }>>;
  readonly #keptCut: KeptCut;

  constructor(options: ChannelServerOptions) {
    this.#options = options;
    this.#cut = new CutAnswers(options.steadyMs);
    this.#keptCut = new KeptCut(options.steadyMs);
  }

  async answer(peer: string, request: ChannelRequest): Promise<ChannelResponse> {
    const { store } = this.#options;
    const name = parseChannelName(request.channel);
    if (!name) return { kind: 'refused', reason: `${request.channel} is not the name of a channel` };
    const subscription = store.nodes
      .get(peer)
      ?.subscriptions.find(({ database, table }) => database === name.database && table === name.table);
    if (!subscription?.publish)
      return {
        kind: 'waiting',
        reason: `${store.nodeName} does not publish ${name.database}.${name.table} to ${peer}`,
      };
    if (subscription.stopped) return { kind: 'waiting', reason: stoppedReason(store.nodeName) };
    const table = store.catalog.table(name.database, name.table);
    if (!table || table.local)
      return { kind: 'waiting', reason: `no table ${name.database}.${name.table} at ${store.nodeName} yet` };
    if ('cursor' in request && request.cursor && this.#isBeyondLog(table, request.cursor))
      await store.redrawIdentity();
    switch (request.kind) {
      case 'subscribe':
        return this.#subscribe(peer, table, request);
      case 'pull':
        return this.#pull(peer, table, request);
      case 'copy':
        return this.#copy(table, request);
      case 'digest':
      case 'list':
      case 'rows':
        return this.#compare(table, request);
    }
  }

  /** What is kept for those who fetch something large goes when they have gone; to be called now and then. */
  dropAbandoned(): void {
    this.#cut.dropAbandoned();
    this.#keptCut.dropAbandoned();
  }

  async #subscribe(
    peer: string,
    table: Table,
    request: Extract<ChannelRequest, { kind: 'subscribe' }>,
  ): Promise<ChannelResponse> {
    const { store, streams, maxBatchBytes } = this.#options;
    if (request.primaryKey !== undefined && request.primaryKey !== table.primaryKey)
      return {
        kind: 'refused',
        reason: `primary key differs: '${request.primaryKey}' there, '${table.primaryKey}' at ${store.nodeName}`,
      };
    const begin = {
      kind: 'begin' as const,
      identity: this.#identity(table),
      primaryKey: table.primaryKey,
      head: this.#head(table),
    };
    const { cursor, copyId } = request;
    const isKnown =
      cursor &&
      (this.#isServable(table, cursor) || (copyId !== undefined && this.#isOvertaken(table, cursor)));
    if (!isKnown) return { ...begin, start: this.#newCopy(table) };
    if (copyId !== undefined) {
      const noted = { seq: cursor.seq, id: cursor.id };
      // The subscriber keeps the marks of the copy that it goes on with.
      return { ...begin, start: { kind: 'copy', copyId, noted, total: this.#total(table), marks: [] } };
    }
    // A message of the stream may be more than a slow link takes at a time: what is behind comes from the log.
    const isSlow = (request.maxBytes ?? maxBatchBytes) < maxBatchBytes && cursor.seq < begin.head.seq;
    const consumer =
      isSlow || request.isStreamTorn === true
        ? undefined
        : await streams.provideConsumer(peer, table, cursor.seq);
    return { ...begin, start: consumer ? { kind: 'stream', ...consumer } : { kind: 'pull' } };
  }

  async #pull(
    peer: string,
    table: Table,
    request: Extract<ChannelRequest, { kind: 'pull' }>,
  ): Promise<ChannelResponse> {
    const { store, streams, maxBatchBytes } = this.#options;
    const { cursor } = request;
    if (!this.#isServable(table, cursor)) return this.#diverged(table, cursor);
    const reader: Reader = { name: peer, storeId: store.nodes.get(peer)?.storeId, sources: request.sources };
    const self = store.identity;
    const wantsBody = (header: Parameters<typeof needsBody>[0]): boolean =>
      request.bodies || needsBody(header, self, reader);
    const items: FramedItem[] = [];
    let bytes = 0;
    let last = cursor.seq;
    const budget = this.#budget(request);
    const isEnough = this.#readLimit();
    for (const item of this.#itemsBehind(table, cursor.seq, request.pieces, wantsBody)) {
      if (items.length > 0 && (bytes + item.bytes.length > budget || isEnough())) break;
      items.push({ seq: item.seq, id: item.id, bytes: item.bytes });
      bytes += item.bytes.length;
      if (!item.isPartial) last = item.seq;
    }
    const head = this.#head(table);
    return {
      kind: 'items',
      identity: this.#identity(table),
      items,
      head,
      hasStream: streams.covers(table, last) && (budget === maxBatchBytes || last >= head.seq),
    };
  }

  /** @param pieces of transaction `seq + 1` that are there already */
  *#itemsBehind(
    table: Table,
    seq: number,
    pieces: number,
    wantsBody: Parameters<typeof encodedItems>[3],
  ): Generator<EncodedItem> {
    const { store, maxBatchBytes } = this.#options;
    const kept = this.#keptCut;
    const known = pieces > 0 ? kept.find(table, seq + 1, store.log.idAt(table.id, seq + 1)) : undefined;
    if (known) {
      yield* encodedPieces(known, pieces);
      kept.drop(known);
    }
    let skip = known ? 0 : pieces;
    const keep = kept.keep.bind(kept, table);
    for (const item of encodedItems(store, table, known?.seq ?? seq, wantsBody, maxBatchBytes, keep)) {
      if (item.seq === seq + 1 && skip > 0) skip -= 1;
      else yield item;
    }
  }

  #copy(table: Table, request: Extract<ChannelRequest, { kind: 'copy' }>): ChannelResponse {
    const { store } = this.#options;
    const { cursor } = request;
    const isServable = this.#isServable(table, cursor);
    if (!isServable && !this.#isOvertaken(table, cursor)) return this.#diverged(table, cursor);
    const maxBytes = this.#budget(request);
    const next = this.#cut.next(request.nextPart, maxBytes);
    if (next?.kind === 'page' && next.copyId === request.copyId) return next;
    // Before the rows are read: they hold at least what is noted.
    const moved = isServable ? undefined : this.#noted(table);
    const page = store.copyRows(table, {
      after: request.after ?? undefined,
      maxBytes,
      maxRows: copyPageRows,
      newerThan: request.newerThan,
      isEnough: this.#readLimit(),
    });
    const answer = {
      kind: 'page' as const,
      identity: this.#identity(table),
      copyId: request.copyId,
      ...(moved ?? { noted: { seq: cursor.seq, id: cursor.id } }),
      deletedBefore: store.tombstones.deletedBefore(table.id),
      total: this.#total(table),
      rows: encodeChanges(page.rows),
      lastKey: page.lastKey ?? null,
      isLast: page.isLast,
    };
    return this.#cut.begin(answer, maxBytes);
  }

  /** What a subscriber that checks its copy wants to know: digests, then lists where they differ, then rows. */
  #compare(
    table: Table,
    request: Extract<ChannelRequest, { kind: 'digest' | 'list' | 'rows' }>,
  ): ChannelResponse {
    const { store } = this.#options;
    const identity = this.#identity(table);
    if (
      request.identity.storeId !== identity.storeId ||
      request.identity.incarnation !== identity.incarnation
    )
      return { kind: 'diverged', reason: `${table.database}.${table.name} has another history now` };
    switch (request.kind) {
      case 'digest': {
        const { after, newerThan } = request;
        const options = { after, maxRows: digestPageRows, newerThan, isEnough: this.#readLimit() };
        const isFirst = after === null && newerThan === 0;
        return {
          kind: 'digest',
          identity,
          ...(isFirst ? { knowledge: this.#knowledge(table) } : {}),
          digests: packDigests(store.digests.page(table, options)),
        };
      }
      case 'list': {
        // The head first: what the list shows beyond it can only look older than it is.
        const head = this.#head(table);
        const { range, newerThan } = request;
        const limit = { maxBytes: this.#budget(request), isEnough: this.#readLimit() };
        const listed = store.digests.list(table, range, newerThan, limit);
        return { kind: 'list', identity, range: listed.range, ...packEntries(listed.entries), head };
      }
      case 'rows': {
        const maxBytes = this.#budget(request);
        const next = this.#cut.next(request.nextPart, maxBytes);
        if (next?.kind === 'rows' && next.identity.incarnation === identity.incarnation) return next;
        const { rows, covered } = store.rowsOf(table, request.keys, {
          maxBytes,
          isEnough: this.#readLimit(),
        });
        const looked = new Set(request.keys.slice(0, covered));
        const answer = {
          kind: 'rows' as const,
          identity,
          rows: encodeChanges(rows),
          covered,
          deleted: (request.onlyHere ?? [])
            .filter(({ key, ...stamp }) => looked.has(key) && store.collected.has(table, key, stamp))
            .map(({ key }) => key),
        };
        return this.#cut.begin(answer, maxBytes);
      }
    }
  }

  /** How much an answer may bring. */
  #budget({ maxBytes = Infinity }: { readonly maxBytes?: number | undefined }): number {
    return Math.min(maxBytes, this.#options.maxBatchBytes);
  }

  /** Whether what is read for an answer that begins now has taken long enough. */
  #readLimit(): () => boolean {
    const { steadyMs } = this.#options;
    const endMs = steadyMs() + readMs;
    return () => steadyMs() >= endMs;
  }

  #newCopy(table: Table): CopyStart {
    const copyId = randomId(9);
    return { kind: 'copy', copyId, ...this.#noted(table), total: this.#total(table) };
  }

  /** Where the channel and everything it has taken in stand now: rows read later hold at least that. */
  #noted(table: Table): Pick<CopyStart, 'noted' | 'marks'> {
    const { store } = this.#options;
    const upTo = store.clock;
    const { headSeq, headId } = store.log.head(table.id);
    const { storeId, incarnation } = this.#identity(table);
    const own = {
      storeId,
      place: { incarnation, seq: headSeq },
      held: { after: msToVersion(table.createdAtMs) - 1, upTo },
    };
    const taken = store.marks.all(table.id);
    const marks = this.#hasHoles(table) ? taken.map((mark) => withoutClaim(mark, upTo)) : taken;
    return { noted: { seq: headSeq, id: headId }, marks: [...marks, own] };
  }

  #knowledge(table: Table): Pick<CopyStart, 'marks'> & { readonly deletedBefore: number } {
    const deletedBefore = this.#options.store.tombstones.deletedBefore(table.id);
    return { marks: this.#noted(table).marks, deletedBefore };
  }

  /**
   * Something behind an origin's mark is not in the rows: it is in quarantine, or the log overtook the copy that should have
   * brought it. What a peer had brought as the store that it was before counts until the table is compared with all that
   * are followed now.
   */
  #hasHoles(table: Table): boolean {
    const { quarantine, cursors, nodes } = this.#options.store;
    if (quarantine.holds(table)) return true;
    if (!cursors.areBehindGap(table.id)) return false;
    const isCompared = ({ name, storeId }: NodeRow): boolean =>
      !nodes.isFollowed(name, table) || (storeId !== undefined && isProven(cursors.get(storeId, table.id)));
    return nodes.unreadable().length > 0 || !nodes.known().every(isCompared);
  }

  #isServable(table: Table, cursor: WireCursor): boolean {
    const { storeId, incarnation } = this.#identity(table);
    return (
      cursor.storeId === storeId &&
      cursor.incarnation === incarnation &&
      this.#options.store.log.idAt(table.id, cursor.seq) === cursor.id
    );
  }

  /** The place was in this history as far as anybody can still tell: the log has been trimmed beyond it. */
  #isOvertaken(table: Table, cursor: WireCursor): boolean {
    const { storeId, incarnation } = this.#identity(table);
    const { trimmedSeq } = this.#options.store.log.head(table.id);
    return cursor.storeId === storeId && cursor.incarnation === incarnation && cursor.seq < trimmedSeq;
  }

  /** The peer holds a transaction of this very history that the log never had: an older backup was put back here. */
  #isBeyondLog(table: Table, cursor: WireCursor): boolean {
    const { storeId, incarnation } = this.#identity(table);
    if (cursor.storeId !== storeId || cursor.incarnation !== incarnation) return false;
    const { log } = this.#options.store;
    const id = log.idAt(table.id, cursor.seq);
    return id === undefined ? cursor.seq > log.head(table.id).headSeq : id !== cursor.id;
  }

  #diverged(table: Table, cursor: WireCursor): ChannelResponse {
    return {
      kind: 'diverged',
      reason: `number ${cursor.seq} of ${table.database}.${table.name} is not in the log of ${this.#options.store.nodeName}`,
    };
  }

  #identity(table: Table): { storeId: string; incarnation: string } {
    return { storeId: this.#options.store.identity.storeId, incarnation: table.incarnation };
  }

  #head(table: Table): { seq: number; committedAtMs: number } {
    const { log } = this.#options.store;
    const { headSeq } = log.head(table.id);
    return { seq: headSeq, committedAtMs: log.committedAt(table.id, headSeq) ?? 0 };
  }

  #total(table: Table): number {
    const { records, tombstones } = this.#options.store.statistics(table);
    return records + tombstones;
  }
}
