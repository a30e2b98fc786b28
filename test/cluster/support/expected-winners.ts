import { recordBytes, type Fields } from './record-bytes.ts';

export type Key = string | number;
export type WriteOperation = 'insert' | 'update' | 'upsert' | 'delete';

/** What a request did, or may have done, to one record. */
export interface Write {
  readonly node: string;
  readonly operation: WriteOperation;
  readonly id: Key;
  /** Without the key; empty for a delete. */
  readonly fields: Fields;
  /** `skipped`: the node said that it left the record as it was. `unanswered`: it may have been done or not. */
  readonly outcome: 'done' | 'skipped' | 'unanswered';
  /** Numbers the requests; the writes of one stand or fall together. */
  readonly request: number;
  /** Before the request was sent and after it was answered (or broke off); of one clock for all nodes. */
  readonly sentMs: number;
  readonly endedMs: number;
  /** The whole record as the node gave it right after the acknowledgement, where nobody else could write. */
  readonly stored?: Fields;
}

export type Rows = ReadonlyMap<Key, Fields>;

/** Bounds the messages: a thousand wrong rows say no more than ten. */
const maxProblems = 10;

/**
 * The oracle: from what was acknowledged it says what a table must hold, by rules that know nothing of how
 * nodes replicate. An acknowledged write is there unless a later one has replaced it; a write without an answer
 * may be there or not, but a request is never done by half; nothing else exists.
 */
export class ExpectedWinners {
  readonly #writes = new Map<Key, Write[]>();

  add(write: Write): void {
    const known = this.#writes.get(write.id);
    if (known) known.push(write);
    else this.#writes.set(write.id, [write]);
  }

  get writes(): readonly Write[] {
    return [...this.#writes.values()].flat();
  }

  /** Acknowledged writes that changed a record. */
  get acknowledged(): number {
    return this.writes.filter(({ outcome }) => outcome === 'done').length;
  }

  get unanswered(): number {
    return this.writes.filter(({ outcome }) => outcome === 'unanswered').length;
  }

  /** What is wrong with the table; empty when nothing is. */
  problems(rows: Rows): readonly string[] {
    const unknown = [...rows.keys()].filter((id) => !this.#writes.has(id));
    const wrong = [...this.#writes].flatMap(([id, writes]) => problemOf(id, writes, rows.get(id)));
    return [...unknown.map((id) => `${id} was never written`), ...wrong, ...this.#halves(rows)].slice(
      0,
      maxProblems,
    );
  }

  /** Requests without an answer of which one insert is there and another is not. */
  #halves(rows: Rows): readonly string[] {
    const requests = new Map<number, Write[]>();
    for (const [, writes] of this.#writes) {
      const [only] = writes;
      // Judged by keys that nothing else has touched.
      if (writes.length !== 1 || only?.outcome !== 'unanswered' || only.operation === 'delete') continue;
      requests.set(only.request, [...(requests.get(only.request) ?? []), only]);
    }
    return [...requests].flatMap(([request, writes]) => {
      const present = writes.filter(({ id }) => rows.has(id)).length;
      return present === 0 || present === writes.length
        ? []
        : [`request ${request} is there by half: ${present} of ${writes.length} records`];
    });
  }
}

/** How two copies of a table differ, byte for byte, timestamps too; empty when they do not. */
export function differences(one: Rows, other: Rows): readonly string[] {
  const ids = new Set([...one.keys(), ...other.keys()]);
  const found: string[] = [];
  for (const id of ids) {
    const left = one.get(id);
    const right = other.get(id);
    if (left && right && recordBytes(left) === recordBytes(right)) continue;
    found.push(`${id}: ${left ? recordBytes(left) : 'absent'} | ${right ? recordBytes(right) : 'absent'}`);
    if (found.length === maxProblems) break;
  }
  return found;
}

function problemOf(id: Key, writes: readonly Write[], row: Fields | undefined): readonly string[] {
  const nodes = new Set(writes.map(({ node }) => node));
  const possible = nodes.size === 1 ? sequentialStates(writes) : winners(writes);
  const actual = row && withoutTimes(row);
  const isPossible = possible.some((state) =>
    state === undefined || actual === undefined
      ? state === actual
      : state.isWhole
        ? recordBytes(withoutNulls(row ?? {})) === recordBytes(withoutNulls(state.fields))
        : contains(actual, state.fields),
  );
  if (isPossible) return [];
  const told = possible.map((state) => (state ? JSON.stringify(state.fields) : 'absent'));
  return [
    `${id} is ${row ? recordBytes(row) : 'absent'}, should be ${told.join(' or ')}; writes: ${writes
      .map(({ node, operation, outcome }) => `${operation} at ${node} ${outcome}`)
      .join(', ')}`,
  ];
}

type State = { readonly fields: Fields; readonly isWhole: boolean } | undefined;

/** One writer after another at one node: every state that the answers allow. */
function sequentialStates(writes: readonly Write[]): readonly State[] {
  let states: readonly State[] = [undefined];
  for (const write of writes) {
    const after = states.map((state) => step(state, write));
    if (write.outcome === 'done')
      states = after.flatMap(({ next, isEffective }) => (isEffective ? [next] : []));
    else if (write.outcome === 'skipped')
      states = states.filter((_, index) => after[index]?.isEffective === false);
    else states = [...states, ...after.map(({ next }) => next)];
  }
  return states;
}

function step(state: State, { operation, id, fields, stored }: Write): { next: State; isEffective: boolean } {
  if (operation === 'delete') return { next: undefined, isEffective: state !== undefined };
  const isEffective = operation === 'insert' ? !state : operation === 'update' ? state !== undefined : true;
  if (!isEffective) return { next: state, isEffective };
  if (stored) return { next: { fields: stored, isWhole: true }, isEffective };
  return { next: { fields: { ...state?.fields, id, ...fields }, isWhole: false }, isEffective };
}

/** Writes of several nodes to one key: the last, or any of those whose order nobody can know. */
function winners(writes: readonly Write[]): readonly State[] {
  const effective = writes.filter(({ outcome }) => outcome !== 'skipped');
  const candidates = effective.filter(
    (write) => !effective.some((other) => other.outcome === 'done' && isLater(other, write)),
  );
  const states = candidates.map(({ operation, id, fields, stored }): State => {
    if (operation === 'delete') return undefined;
    return stored ? { fields: stored, isWhole: true } : { fields: { id, ...fields }, isWhole: false };
  });
  return candidates.some(({ outcome }) => outcome === 'done') ? states : [undefined, ...states];
}

/** By the version that the node gave it where that is known, else by the time between sending and answer. */
function isLater(one: Write, other: Write): boolean {
  const oneVersion = versionOf(one);
  const otherVersion = versionOf(other);
  if (oneVersion !== undefined && otherVersion !== undefined && oneVersion !== otherVersion)
    return oneVersion > otherVersion;
  return one.sentMs > other.endedMs;
}

function versionOf({ stored }: Write): number | undefined {
  const version = stored?.['__updatedtime__'];
  return typeof version === 'number' ? version : undefined;
}

function withoutTimes(record: Fields): Fields {
  const { __createdtime__: _created, __updatedtime__: _updated, ...fields } = record;
  return fields;
}

/** Attributes that only other records have are null in an answer, and come with those records. */
function withoutNulls(record: Fields): Fields {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}

/** Every expected field is there; what is not expected may only be the null of an attribute of other records. */
function contains(actual: Fields, expected: Fields): boolean {
  return Object.entries({ ...nulls(actual), ...expected }).every(
    ([name, value]) => JSON.stringify(actual[name]) === JSON.stringify(value),
  );
}

function nulls(record: Fields): Fields {
  return Object.fromEntries(Object.keys(record).map((name) => [name, null]));
}
