import type { Stamp } from '../model/change.ts';
import { writerOf } from '../model/conflict.ts';
import type { OriginPlace } from '../model/transaction.ts';
import { afterAll, type Environment } from './environment.ts';
import { readWide, writeWide } from './wide-integer.ts';

/** Versions of an origin's writes that this store holds, or held until something newer came: above `after`, up to and with `upTo`. */
export interface HeldVersions {
  readonly after: number;
  readonly upTo: number;
}

export interface Mark {
  readonly storeId: string;
  readonly place: OriginPlace;
  /** Absent where nobody has counted them. */
  readonly held?: HeldVersions | undefined;
}

interface Numbers extends HeldVersions {
  readonly seq: number;
}

type MarkKey = [tableId: number, storeId: string, incarnation: string];

/** A mark as a commit has read or raised it. */
interface Gathered {
  readonly key: MarkKey;
  readonly mark: Numbers;
  isWritten: boolean;
}

const nothing: HeldVersions = { after: 0, upTo: 0 };
const unknown: Numbers = { seq: 0, ...nothing };

/**
 * Per (origin, channel): the highest number at the origin held here without a gap. Decides what is new; its
 * versions decide whether a row that is missing here was ever here.
 */
export class Marks {
  readonly #environment: Environment;
  /** While marks are {@link gathered}. */
  #gathered: Map<string, Gathered> | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get(tableId: number, storeId: string, incarnation: string): number {
    return this.#known(tableId, storeId, incarnation).seq;
  }

  /**
   * Inside a commit: the number never goes back, and what is held is not taken back by what is missing. What was here
   * once was here, whatever is in quarantine here or at a peer.
   */
  raise(tableId: number, storeId: string, place: OriginPlace, held: HeldVersions = nothing): void {
    this.#raise(tableId, storeId, place, (known) => added(known, held));
  }

  /** Inside a commit: what is said of versions is true by itself, of all between; two such ranges that touch are one. */
  learn(tableId: number, storeId: string, place: OriginPlace, held: HeldVersions = nothing): void {
    this.#raise(tableId, storeId, place, (known) => united(known, held));
  }

  #raise(
    tableId: number,
    storeId: string,
    place: OriginPlace,
    heldWith: (known: HeldVersions) => HeldVersions,
  ): void {
    const known = this.#known(tableId, storeId, place.incarnation);
    const { after, upTo } = heldWith(known);
    const raised = { after, upTo, seq: Math.max(known.seq, place.seq) };
    const isSame = raised.seq === known.seq && raised.after === known.after && raised.upTo === known.upTo;
    if (isSame) return;
    const key: MarkKey = [tableId, storeId, place.incarnation];
    if (this.#gathered) this.#gathered.set(nameOf(key), { key, mark: raised, isWritten: false });
    else this.#environment.trees.marks.putSync(key, encode(raised));
  }

  /** Inside a commit: what `body` raises, many times perhaps, is read and written once. */
  gathered<T>(body: () => T): T {
    this.#gathered = new Map();
    try {
      const result = body();
      this.#write();
      return result;
    } finally {
      this.#gathered = undefined;
    }
  }

  /** Whether this row, or a newer one under its key, has been here. */
  covers(tableId: number, { version, origin }: Stamp): boolean {
    this.#write();
    for (const { value } of this.#environment.trees.marks.getRange({
      start: [tableId, origin.storeId],
      end: [tableId, origin.storeId, afterAll],
    })) {
      if (isWithin(decode(value), version)) return true;
    }
    return false;
  }

  all(tableId: number): Mark[] {
    this.#write();
    return [...this.#environment.trees.marks.getRange({ start: [tableId], end: [tableId + 1] })].map(
      ({ key, value }) => {
        const [, storeId, incarnation] = key as [number, string, string];
        const { seq, after, upTo } = decode(value);
        const held = upTo > 0 ? { held: { after, upTo } } : {};
        return { storeId, place: { incarnation, seq }, ...held };
      },
    );
  }

  /** Inside a commit. */
  removeTable(tableId: number): void {
    for (const key of [...this.#environment.trees.marks.getKeys({ start: [tableId], end: [tableId + 1] })])
      this.#environment.trees.marks.removeSync(key);
  }

  #known(tableId: number, storeId: string, incarnation: string): Numbers {
    const key: MarkKey = [tableId, storeId, incarnation];
    const name = this.#gathered && nameOf(key);
    const gathered = name === undefined ? undefined : this.#gathered?.get(name);
    if (gathered) return gathered.mark;
    const value = this.#environment.trees.marks.get(key);
    const mark = value ? decode(value) : unknown;
    if (name !== undefined) this.#gathered?.set(name, { key, mark, isWritten: true });
    return mark;
  }

  /** What was gathered so far is in the tree from here on. */
  #write(): void {
    for (const gathered of this.#gathered?.values() ?? []) {
      if (gathered.isWritten) continue;
      this.#environment.trees.marks.putSync(gathered.key, encode(gathered.mark));
      gathered.isWritten = true;
    }
  }
}

/**
 * A transaction adds itself to what is held without a gap, and says nothing of what is below: `after` only grows. What is
 * known of nothing, perhaps because something is missing, takes nothing back; where nothing is held, it says from where on.
 */
function added(known: HeldVersions, more: HeldVersions): HeldVersions {
  if (isSome(known) && !isSome(more)) return known;
  return { after: Math.max(known.after, more.after), upTo: Math.max(known.upTo, more.upTo) };
}

function united(known: HeldVersions, more: HeldVersions): HeldVersions {
  if (!isSome(known) || !isSome(more)) return added(known, more);
  // Apart: one row has room for one range, and the one that is known is not given up.
  if (more.after > known.upTo || known.after > more.upTo) return known;
  return { after: Math.min(known.after, more.after), upTo: Math.max(known.upTo, more.upTo) };
}

function isWithin({ after, upTo }: HeldVersions, version: number): boolean {
  return version > after && version <= upTo;
}

function isSome({ after, upTo }: HeldVersions): boolean {
  return after < upTo;
}

/** Whatever characters a peer puts into the two, no two keys have one name. */
function nameOf([tableId, storeId, incarnation]: MarkKey): string {
  return `${tableId} ${storeId.length} ${storeId}${incarnation}`;
}

/** Whether a store whose marks these are has had a row, or a newer one under its key. */
export function hadBy(marks: readonly Mark[], ownStoreId: string): (stamp: Stamp) => boolean {
  return (stamp) => {
    const { version, origin } = writerOf(stamp);
    if (origin.storeId === ownStoreId) return true;
    return marks.some(
      ({ storeId, held }) => storeId === origin.storeId && held !== undefined && isWithin(held, version),
    );
  };
}

/** What is left of a mark where writes up to a version may be missing: nothing but that. */
export function withoutClaim({ storeId, place }: Mark, version: number): Mark {
  return { storeId, place: { ...place, seq: 0 }, held: { after: version, upTo: version } };
}

/**
 * Marks of a copy that the log has overtaken. What was applied at the publisher between the place noted first
 * and the place noted last may be missing in pages from before: the numbers stay those of the first.
 */
export function overtaken(first: readonly Mark[], last: readonly Mark[]): Mark[] {
  const version = last.reduce((most, { held }) => Math.max(most, held?.upTo ?? 0), 0);
  const isSame = (a: Mark, b: Mark): boolean =>
    a.storeId === b.storeId && a.place.incarnation === b.place.incarnation;
  return [
    ...first.map((mark) => ({ ...mark, held: { after: version, upTo: version } })),
    ...last
      .filter((mark) => !first.some((known) => isSame(mark, known)))
      .map((mark) => withoutClaim(mark, version)),
  ];
}

/** Disk format: the number, then the versions if there are any. */
function encode({ seq, after, upTo }: Numbers): Buffer {
  const hasVersions = after > 0 || upTo > 0;
  const value = Buffer.allocUnsafe(hasVersions ? 24 : 8);
  writeWide(value, seq, 0);
  if (!hasVersions) return value;
  writeWide(value, after, 8);
  writeWide(value, upTo, 16);
  return value;
}

/** A row that cannot be read claims nothing: what it knew is taken once more, and changes nothing. */
function decode(value: Buffer): Numbers {
  if (value.length !== 8 && value.length !== 24) return unknown;
  const seq = readWide(value);
  if (value.length === 8) return { seq, ...nothing };
  return { seq, after: readWide(value, 8), upTo: readWide(value, 16) };
}
