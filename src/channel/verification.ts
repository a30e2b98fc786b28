import { setImmediate as nextTurn } from 'node:timers/promises';
import { compareKeys, type Key, type Stamp } from '../model/change.ts';
import { compareStamps } from '../model/conflict.ts';
import { decodeChanges } from '../model/transaction-codec.ts';
import type { Source } from '../store/source.ts';
import type { Knowledge } from '../store/collected.ts';
import type { DigestEntry, KeyRange } from '../store/digests.ts';
import type { Store } from '../store/store.ts';
import { unpackDigests, unpackEntries } from './packed-digests.ts';
import type { ChannelRequest, ChannelResponse } from './protocol.ts';
import { RowsInParts } from './rows-in-parts.ts';

export interface VerificationResult {
  /** Everything that both sides had committed by then was compared, ms since 1970. */
  readonly asOfMs: number;
  readonly rows: number;
  /** Keys that differed and now hold what the publisher holds, or newer; the first hundred. */
  readonly repaired: readonly Key[];
  readonly repairedCount: number;
  /** Live rows here of which the publisher knows nothing. */
  readonly onlyHere: number;
  /** Rows of the publisher that are ahead of the clock here, and wait: with any, nothing is identical. */
  readonly early: number;
  /** The last request of the publisher that it answers. */
  readonly request?: number | undefined;
}

/** What follows once the differences of a page are settled. */
type NextPage = { readonly kind: 'digest'; readonly after: Key | null } | { readonly kind: 'done' };

/** Ranges of a page that differ, to be listed one by one. */
interface Listing {
  readonly kind: 'list';
  readonly ranges: readonly KeyRange[];
  readonly following: NextPage;
}

type Step =
  | NextPage
  | Listing
  /** Rows that differed when they were listed: judged once everything up to `seq` is applied here. */
  | { readonly kind: 'settle'; readonly seq: number; readonly following: NextPage | Listing }
  | {
      readonly kind: 'rows';
      readonly keys: readonly Key[];
      /** Those of which the publisher has listed nothing, and what is here. */
      readonly onlyHere: ReadonlyMap<Key, Stamp>;
      readonly following: NextPage | Listing;
    };

export interface VerificationOptions {
  readonly store: Store;
  readonly channel: string;
  readonly source: Source;
  readonly now: () => number;
  /** Ms of a clock that nobody sets. */
  readonly steadyMs: () => number;
}

const keysAtOnce = 200;
/** Ranges are read here for so long before everybody else has a turn. */
const turnMs = 5;
/** So much is listed at once. */
const listedAtOnce = { maxBytes: 1 << 20, isEnough: () => false };
/** So many rows that differ are held: then it is looked at which of them still do. */
const suspectsHeld = 5_000;
const keysTold = 100;

/**
 * Compares a table with the publisher's, finds the rows that differ by digests of ranges, and repairs them.
 *
 * Needs no pause in writing: a difference counts only if it is still there once this node has applied all
 * that the publisher had committed when it listed the row. Nothing is lost if it is broken off. A row that only
 * this node has goes when the publisher knows that it was deleted there (`store/collected.ts`); else it stays.
 */
export class Verification {
  readonly #options: VerificationOptions;
  readonly #startedAtMs: number;
  readonly #suspects = new Map<Key, DigestEntry | undefined>();
  readonly #repaired: Key[] = [];
  readonly #rowParts: RowsInParts;
  #step: Step = { kind: 'digest', after: null };
  #rows = 0;
  #repairedCount = 0;
  #onlyHere = 0;
  #early = 0;
  /** As of the beginning: in force here once all is compared. */
  #knowledge: Knowledge | undefined;

  constructor(options: VerificationOptions) {
    this.#options = options;
    this.#startedAtMs = options.now();
    this.#rowParts = new RowsInParts(options.store.maxItemBytes);
  }

  get result(): VerificationResult | undefined {
    if (this.#step.kind !== 'done') return undefined;
    return {
      asOfMs: this.#startedAtMs,
      rows: this.#rows,
      repaired: this.#repaired,
      repairedCount: this.#repairedCount,
      onlyHere: this.#onlyHere,
      early: this.#early,
    };
  }

  /** What the publisher knew when this began. */
  get knowledge(): Knowledge | undefined {
    return this.#knowledge;
  }

  /** The publisher's newest transaction when this began, as far as it has told. */
  get #told(): number {
    const { storeId, incarnation } = this.#options.source;
    // The last one is of what it has; one from before may be of what it had, and lost.
    const own = this.#knowledge?.marks.findLast(
      (mark) => mark.storeId === storeId && mark.place.incarnation === incarnation,
    );
    return own?.place.seq ?? 0;
  }

  /** What to ask now; undefined while the channel has to come further, and when it is done. */
  next(): ChannelRequest | undefined {
    const { channel, source } = this.#options;
    const { storeId, incarnation, newerThan } = source;
    const identity = { storeId, incarnation };
    if (this.#step.kind === 'settle') this.#settle(this.#step);
    const step = this.#step;
    switch (step.kind) {
      case 'digest':
        return { kind: 'digest', channel, identity, after: step.after, newerThan };
      case 'list': {
        const [range] = step.ranges;
        return range && { kind: 'list', channel, identity, range, newerThan };
      }
      case 'rows':
        return { kind: 'rows', channel, identity, ...asked(step), nextPart: this.#rowParts.next };
      case 'settle':
      case 'done':
        return undefined;
    }
  }

  async accept(response: ChannelResponse): Promise<void> {
    const step = this.#step;
    if (response.kind === 'digest' && step.kind === 'digest') await this.#compare(response, step);
    else if (response.kind === 'list' && step.kind === 'list') this.#suspect(response, step);
    else if (response.kind === 'rows' && step.kind === 'rows') await this.#repair(response, step);
  }

  async #compare(
    response: Extract<ChannelResponse, { kind: 'digest' }>,
    step: Extract<Step, { kind: 'digest' }>,
  ): Promise<void> {
    const { store, source, steadyMs } = this.#options;
    this.#knowledge ??= response.knowledge;
    const ranges: KeyRange[] = [];
    const digests = unpackDigests(step.after, response.digests);
    let begunAtMs = steadyMs();
    for (const theirs of digests) {
      if (steadyMs() - begunAtMs >= turnMs) {
        await nextTurn();
        begunAtMs = steadyMs();
      }
      const ours = store.digests.range(source.table, theirs.range, source.newerThan, theirs.rows);
      this.#rows += theirs.rows;
      if (ours.rows !== theirs.rows || ours.hash !== theirs.hash) ranges.push(theirs.range);
    }
    const after = digests.at(-1)?.range.upTo ?? null;
    const following: NextPage = after === null ? { kind: 'done' } : { kind: 'digest', after };
    if (ranges.length > 0) this.#step = { kind: 'list', ranges, following };
    // What the publisher had when this began must have come, or the end would tell of more than is here.
    else this.#step = after === null ? { kind: 'settle', seq: this.#told, following } : following;
  }

  #suspect(
    response: Extract<ChannelResponse, { kind: 'list' }>,
    step: Extract<Step, { kind: 'list' }>,
  ): void {
    const { store, source } = this.#options;
    const [range, ...behind] = step.ranges;
    // It may be as much of the range as an answer can carry, and of what is here as may be read at once.
    const { range: listed, entries } = store.digests.list(
      source.table,
      response.range,
      source.newerThan,
      listedAtOnce,
    );
    const { upTo } = listed;
    const isWhole = !range || upTo === range.upTo;
    const left = isWhole ? behind : [{ after: upTo, upTo: range.upTo }, ...behind];
    const theirs = new Map(
      unpackEntries(response.origins, response.entries)
        .filter(({ key }) => upTo === null || compareKeys(key, upTo) <= 0)
        .map((entry) => [entry.key, entry]),
    );
    for (const entry of theirs.values())
      if (this.#differs(entry.key, entry)) this.#suspects.set(entry.key, entry);
    for (const { key } of entries) if (!theirs.has(key)) this.#suspects.set(key, undefined);
    const following = left.length > 0 ? { ...step, ranges: left } : step.following;
    const goesOn = following.kind === 'list' && this.#suspects.size < suspectsHeld;
    this.#step = goesOn ? following : { kind: 'settle', seq: response.head.seq, following };
  }

  #settle({ seq, following }: Extract<Step, { kind: 'settle' }>): void {
    const { store, source } = this.#options;
    const cursor = store.cursors.get(source.storeId, source.table.id);
    if (!cursor || cursor.seq < seq) return;
    const differing = [...this.#suspects].filter(([key, entry]) => this.#differs(key, entry));
    this.#suspects.clear();
    const onlyHere = new Map<Key, Stamp>();
    for (const [key, entry] of differing) {
      const ours = entry ? undefined : store.digests.stampOf(source.table, key);
      if (ours) onlyHere.set(key, { version: ours.version, origin: ours.origin });
    }
    const keys = differing.map(([key]) => key);
    this.#step = keys.length > 0 ? { kind: 'rows', keys, onlyHere, following } : following;
  }

  async #repair(
    response: Extract<ChannelResponse, { kind: 'rows' }>,
    step: Extract<Step, { kind: 'rows' }>,
  ): Promise<void> {
    const { store, source } = this.#options;
    const joined = this.#rowParts.join(response.rows, response.part);
    if (!joined) return;
    const { keys: wanted, onlyHere } = asked(step);
    const keys = wanted.slice(0, response.covered);
    const rows = decodeChanges(joined);
    const { won, early } =
      rows.length > 0 ? await store.comparison.repair(source, rows) : { won: 0, early: 0 };
    this.#early += early;
    const deleted = new Set(response.deleted);
    const stale = onlyHere.filter(({ key }) => deleted.has(key));
    const gone = stale.length > 0 ? await store.comparison.removeStale(source, stale) : [];
    this.#repairedCount += won + gone.length;
    const settled = [...(won > 0 ? rows.map(({ key }) => key) : []), ...gone];
    this.#repaired.push(...settled.slice(0, keysTold - this.#repaired.length));
    const known = new Set([...rows.map(({ key }) => key), ...gone]);
    // One that was deleted meanwhile on both sides is nowhere.
    this.#onlyHere += keys.filter(
      (key) => !known.has(key) && store.digests.stampOf(source.table, key)?.hash !== undefined,
    ).length;
    const left = step.keys.slice(keys.length);
    this.#step = left.length > 0 ? { ...step, keys: left } : step.following;
  }

  /** Whether the row here is older than the publisher's, or another one under the same stamp, or not known there. */
  #differs(key: Key, theirs: DigestEntry | undefined): boolean {
    const { store, source } = this.#options;
    const ours = store.digests.stampOf(source.table, key);
    if (!theirs) return ours?.hash !== undefined;
    // Deleted here, and the delete is forgotten: what the publisher shows is older.
    if (!ours) return !store.collected.has(source.table, key, theirs);
    const order = compareStamps(ours, theirs);
    return order < 0 || (order === 0 && ours.hash !== theirs.hash);
  }
}

/** What to ask of the first keys of a step. */
function asked({ keys, onlyHere }: Extract<Step, { kind: 'rows' }>): {
  readonly keys: Key[];
  readonly onlyHere: (Stamp & { readonly key: Key })[];
} {
  const first = keys.slice(0, keysAtOnce);
  return {
    keys: first,
    onlyHere: first.flatMap((key) => {
      const stamp = onlyHere.get(key);
      return stamp ? [{ key, ...stamp }] : [];
    }),
  };
}
