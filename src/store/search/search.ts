import { maxKeyBytes, type Document, type Key } from '../../model/change.ts';
import type { Query } from '../../model/query.ts';
import type { MemoryBudget } from '../../runtime/memory-budget.ts';
import { withPauses, type Pausing } from '../../runtime/pauses.ts';
import { indexForm, indexedUnits } from './index-value.ts';
import { matcherOf } from './matcher.ts';
import { compareRanked, rank } from './search-order.ts';
import type { OrderLevel } from './search-order.ts';
import { planSearch } from './search-plan.ts';
import type { IndexRange, SearchPlan } from './search-plan.ts';
import type { IndexBounds, IndexValue, SearchSource } from './search-source.ts';
import { TopDocuments } from './top-documents.ts';
import type { Ranked } from './top-documents.ts';

/**
 * The documents that the query asks for, in its order (see `orderOf`); pauses also while none is found.
 *
 * Reads while it is iterated, once, and no further than the answer needs where an index or the primary key
 * gives the order; otherwise it sorts in memory, with a limit never more than twice `offset + limit` documents.
 * What is read between two pauses must be one snapshot.
 */
export function* searchWithPauses(
  source: SearchSource,
  query: Query,
  plan: SearchPlan = planSearch(source, query),
): Generator<Document | undefined, void, undefined> {
  const { offset = 0, limit = Infinity } = query;
  if (limit <= 0) return;
  let seen = 0;
  for (const document of inOrder(source, query, plan, offset + limit)) {
    if (document !== undefined) seen++;
    if (document === undefined || seen > offset) yield document;
    if (seen === offset + limit) return;
  }
}

function* inOrder(
  source: SearchSource,
  query: Query,
  chosen: SearchPlan,
  wanted: number,
): Generator<Document | undefined> {
  const { after } = query;
  const plan = after === undefined ? chosen : resumed(chosen, source, after);
  const matching = filter(withPauses(candidates(source, plan)), matcherOf(query.where));
  const found = after === undefined ? matching : filter(matching, isLater(plan.order, after));
  switch (plan.arrival) {
    case 'sorted':
      yield* found;
      return;
    case 'runs':
      yield* sortRuns(found, plan.order, wanted, source.sorting);
      return;
    case 'unsorted':
      yield* sortAll(found, plan.order, wanted, source.sorting);
  }
}

/**
 * The plan without what an index or the primary key knows to come before a place. What it still proposes of that is
 * left out by {@link isLater}.
 */
function resumed(plan: SearchPlan, source: SearchSource, after: readonly IndexValue[]): SearchPlan {
  const { access, order, arrival } = plan;
  const [level] = order;
  const place = after[0] ?? null;
  if (level === undefined || place === null || arrival === 'unsorted') return plan;
  const { attribute, descending } = level;
  const units = attribute === source.table.primaryKey ? maxKeyBytes : undefined;
  const edge = descending ? { high: indexForm(place, units) } : { low: indexForm(place, units) };
  if (access.kind === 'range' && access.range.attribute === attribute)
    return {
      ...plan,
      access: { kind: 'range', range: { ...access.range, bounds: within(access.range, edge) } },
    };
  if (access.kind !== 'table') return plan;
  const comparator = descending ? 'less_than_equal' : 'greater_than_equal';
  const condition = { attribute, comparator, value: place } as const;
  return { ...plan, access: { kind: 'range', range: { attribute, condition, bounds: edge } } };
}

function within({ bounds }: IndexRange, edge: IndexBounds): IndexBounds {
  const { lowExclusive, highExclusive, ...ends } = bounds;
  // The edge is a value of the range, so it is the narrower end.
  return edge.low === undefined
    ? { ...ends, ...edge, ...(lowExclusive && { lowExclusive }) }
    : { ...ends, ...edge, ...(highExclusive && { highExclusive }) };
}

function isLater(
  order: readonly OrderLevel[],
  after: readonly IndexValue[],
): (document: Document) => boolean {
  const compare = compareRanked(order);
  return (document) => compare(rank(document, order), { document, values: after }) > 0;
}

/** A superset of the matching documents, each once, as far in order as the plan says; undefined for what is no document. */
function* candidates(
  source: SearchSource,
  { access, arrival, order }: SearchPlan,
): Generator<Document | undefined> {
  const isDescending = arrival !== 'unsorted' && order[0]?.descending === true;
  switch (access.kind) {
    case 'nothing':
      return;
    case 'table':
      yield* source.scan({ reverse: isDescending });
      return;
    case 'range': {
      const { attribute, bounds } = access.range;
      yield* walk(source, attribute, bounds, isDescending);
      return;
    }
    case 'union':
      yield* walkAll(source, access.ranges);
      return;
    case 'descent': {
      const { level } = access;
      const hasValue = (document: Document) => rank(document, [level]).values[0] !== null;
      const isLast = order.at(-1)?.descending === true;
      // Tested on both sides, so that no document comes twice whatever its entries say.
      yield* masked(walk(source, level.attribute, { low: false }, true), hasValue);
      yield* masked(source.scan({ reverse: isLast }), (document) => !hasValue(document));
    }
  }
}

function* walk(
  source: SearchSource,
  attribute: string,
  bounds: IndexBounds,
  reverse: boolean,
): Generator<Document | undefined> {
  const repeated = new Set<Key>();
  for (const key of source.index(attribute, { ...bounds, reverse })) {
    if (repeated.has(key)) continue;
    const document = source.get(key);
    // Only an array has several entries; remembering every key would hold the whole answer in memory.
    if (Array.isArray(document?.[attribute])) repeated.add(key);
    yield document;
  }
}

function* walkAll(source: SearchSource, ranges: readonly IndexRange[]): Generator<Document | undefined> {
  const walked = new Set<Key>();
  for (const { attribute, bounds } of ranges) {
    for (const key of source.index(attribute, bounds)) {
      if (walked.has(key)) continue;
      walked.add(key);
      yield source.get(key);
    }
  }
}

/** Sorts what an index gives together: documents whose values look alike to it. */
function* sortRuns(
  documents: Pausing<Document>,
  order: readonly OrderLevel[],
  wanted: number,
  budget: MemoryBudget,
): Generator<Document | undefined> {
  using run = new TopDocuments(compareRanked(order), wanted, budget);
  // By value, then key, is how an index gives them; only where it has cut strings short is there more to decide.
  const isByValueAndKey = order.length === 2 && order[0]?.descending === order[1]?.descending;
  let current: IndexValue | undefined;
  for (const document of documents) {
    if (document === undefined) {
      yield undefined;
      continue;
    }
    const ranked = rank(document, order);
    const value = indexForm(ranked.values[0] ?? null);
    if (value !== current) {
      yield* documentsOf(run.drain());
      current = value;
    }
    if (isByValueAndKey && !isCut(value)) yield document;
    else yield* run.add(ranked);
  }
  yield* documentsOf(run.drain());
}

function* sortAll(
  documents: Pausing<Document>,
  order: readonly OrderLevel[],
  wanted: number,
  budget: MemoryBudget,
): Generator<Document | undefined> {
  using all = new TopDocuments(compareRanked(order), wanted, budget);
  for (const document of documents)
    if (document === undefined) yield undefined;
    else yield* all.add(rank(document, order));
  yield* documentsOf(all.drain());
}

/** Perhaps: what is cut has so many code points, which are one or two units each. */
function isCut(value: IndexValue): boolean {
  return typeof value === 'string' && value.length >= indexedUnits;
}

function* documentsOf(ranked: Iterable<Ranked | undefined>): Generator<Document | undefined> {
  for (const one of ranked) yield one?.document;
}

/** Undefined in the place of the others: to read them has taken time. */
function* masked(documents: Iterable<Document | undefined>, matches: (document: Document) => boolean) {
  for (const document of documents) yield document && matches(document) ? document : undefined;
}

function* filter(documents: Pausing<Document>, matches: (document: Document) => boolean) {
  for (const document of documents) if (document === undefined || matches(document)) yield document;
}
