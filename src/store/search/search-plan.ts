import { maxKeyBytes } from '../../model/change.ts';
import type { Condition, ConditionGroup, Query } from '../../model/query.ts';
import { boundsOf } from './condition-bounds.ts';
import { isConjunction, orderOf } from './search-order.ts';
import type { OrderLevel } from './search-order.ts';
import type { IndexBounds, SearchSource } from './search-source.ts';
import { wantedBy } from './wanted-index.ts';

/** One range of one index. */
export interface IndexRange {
  readonly attribute: string;
  readonly condition: Condition;
  readonly bounds: IndexBounds;
}

/** Where the candidates come from. */
export type Access =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'table' }
  | { readonly kind: 'range'; readonly range: IndexRange }
  /** An `or` whose every branch has an index. */
  | { readonly kind: 'union'; readonly ranges: readonly IndexRange[] }
  /** A whole index from its high end, then the documents without a value: the newest first, say. */
  | { readonly kind: 'descent'; readonly level: OrderLevel };

/**
 * How far the candidates come in the order of the answer: 'sorted' all the way, 'runs' of equal first values that
 * still have to be sorted, or not at all.
 */
export type Arrival = 'sorted' | 'runs' | 'unsorted';

export interface SearchPlan {
  readonly access: Access;
  readonly arrival: Arrival;
  readonly order: readonly OrderLevel[];
  /** Entries or records to read for it, about; counted to {@link estimateCap}. */
  readonly entries: number;
}

/** What a search would do, for triggering index builds and for people. */
export interface PlanDescription {
  /** The index that is read; undefined for a table scan, and for an `or` that reads several. */
  readonly index: string | undefined;
  readonly scanned: 'index' | 'table';
  /** {@link SearchPlan.entries} */
  readonly estimate: number;
  /** Attributes whose index is missing or not ready, and would have helped. */
  readonly wanted: readonly string[];
}

type Option = Pick<SearchPlan, 'access' | 'entries'>;

/** What the estimates of one plan may still count, all together. */
interface Budget {
  left: number;
}

/** Counting further would cost more than the better choice saves. */
export const estimateCap = 10_000;
/** What was not counted passes for large. */
const countedEntries = 10 * estimateCap;
/** Where an `and` has so few to read, looking for fewer costs as much as it saves. */
const cheapEntries = 100;
/** Fetching by key costs about twice a step of a scan. */
const fetchCost = 2;
/** A table of unknown size is taken for larger than any range of unknown size. */
const largeTableCost = 4 * estimateCap;
/** Sorting reads everything before the first answer, and holds it. */
const sortCost = 4;

/** Chooses the cheapest access by estimates. The choice changes what is read, never the answer. */
export function planSearch(source: SearchSource, query: Query): SearchPlan {
  const order = orderOf(query, source.table.primaryKey);
  const options = query.where ? optionsOf(source, query.where, { left: countedEntries }) : [];
  if (options === 'nothing') return { access: { kind: 'nothing' }, arrival: 'sorted', order, entries: 0 };

  const tableSize = source.estimate(source.table.primaryKey, {}, estimateCap);
  const tableCost = tableSize < estimateCap ? tableSize : largeTableCost;
  const table: Option = { access: { kind: 'table' }, entries: tableSize };
  let best = { option: table, arrival: arrivalOf(table.access, order), cost: Infinity };
  best.cost = tableCost * (best.arrival === 'unsorted' ? sortCost : 1);
  const consider = (option: Option, readCost: number) => {
    const arrival = arrivalOf(option.access, order);
    const cost = readCost * (arrival === 'unsorted' ? sortCost : 1);
    if (cost < best.cost) best = { option, arrival, cost };
  };
  for (const option of options) consider(option, option.entries * fetchCost);
  const descent = descentOf(source, query, order, tableSize);
  if (descent) consider(descent, query.where ? tableCost * fetchCost : descent.entries * fetchCost);
  return { ...best.option, arrival: best.arrival, order };
}

/** Says what {@link planSearch} chose, without searching. */
export function planOf(
  source: SearchSource,
  query: Query,
  plan: SearchPlan = planSearch(source, query),
): PlanDescription {
  const { access, entries, order } = plan;
  const isServed = access.kind !== 'table' && entries < estimateCap;
  return {
    index: indexOf(access),
    scanned: access.kind === 'table' ? 'table' : 'index',
    estimate: entries,
    wanted: isServed ? [] : wantedBy(source, query, order),
  };
}

/** The index accesses that yield every match of the group; 'nothing' when there can be no match. */
function optionsOf(
  source: SearchSource,
  group: ConditionGroup,
  budget: Budget,
): readonly Option[] | 'nothing' {
  const found = (member: Condition | ConditionGroup, left: Budget) =>
    'comparator' in member ? rangeOptions(source, member, left) : optionsOf(source, member, left);
  if (isConjunction(group)) {
    const options: Option[] = [];
    for (const member of group.conditions) {
      const isEnough = options.some(({ entries }) => entries <= cheapEntries);
      const more = found(member, isEnough ? { left: 0 } : budget);
      if (more === 'nothing') return 'nothing';
      options.push(...more);
    }
    return options;
  }
  const branches = group.conditions
    .map((member) => found(member, budget))
    .filter((branch) => branch !== 'nothing');
  if (branches.length === 0) return 'nothing';
  const ranges: IndexRange[] = [];
  let entries = 0;
  for (const branch of branches) {
    const [first, ...others] = branch;
    if (first === undefined) return [];
    const option = others.reduce((best, other) => (other.entries < best.entries ? other : best), first);
    ranges.push(...rangesOf(option.access));
    entries += option.entries;
  }
  return [{ access: { kind: 'union', ranges }, entries: Math.min(entries, estimateCap) }];
}

function rangeOptions(
  source: SearchSource,
  condition: Condition,
  budget: Budget,
): readonly Option[] | 'nothing' {
  const { attribute } = condition;
  const bounds = boundsOf(condition, attribute === source.table.primaryKey ? maxKeyBytes : undefined);
  if (bounds === 'nothing') return 'nothing';
  if (bounds === undefined || !source.isIndexed(attribute)) return [];
  const most = Math.min(estimateCap, budget.left);
  const counted = most > 0 ? source.estimate(attribute, bounds, most) : 0;
  // To find that there is none costs something, too.
  if (most > 0) budget.left -= Math.max(counted, 1);
  const entries = counted < most ? counted : estimateCap;
  return [{ access: { kind: 'range', range: { attribute, condition, bounds } }, entries }];
}

/**
 * Only with a limit (else everything is fetched anyway), only descending (ascending begins with the documents
 * that no index holds), and only without a condition on the attribute (its range does the same with less).
 */
function descentOf(
  source: SearchSource,
  { where, offset = 0, limit }: Query,
  order: readonly OrderLevel[],
  tableSize: number,
): Option | undefined {
  const [level] = order;
  if (limit === undefined || level === undefined || order.length === 1) return undefined;
  if (!level.descending || level.condition || !source.isIndexed(level.attribute)) return undefined;
  const entries = where ? tableSize : Math.min(offset + limit, tableSize);
  return { access: { kind: 'descent', level }, entries };
}

function arrivalOf(access: Access, order: readonly OrderLevel[]): Arrival {
  const [first, second] = order;
  if (first === undefined || access.kind === 'nothing') return 'sorted';
  if (access.kind === 'union') return 'unsorted';
  const isByKey = second === undefined;
  if (access.kind === 'table') return isByKey ? 'sorted' : 'unsorted';
  if (access.kind === 'descent') return 'runs';
  const { attribute, condition } = access.range;
  if (isByKey)
    return attribute === first.attribute || condition.comparator === 'equals' ? 'sorted' : 'unsorted';
  return condition === first.condition ? 'runs' : 'unsorted';
}

function rangesOf(access: Access): readonly IndexRange[] {
  if (access.kind === 'range') return [access.range];
  return access.kind === 'union' ? access.ranges : [];
}

function indexOf(access: Access): string | undefined {
  if (access.kind === 'range') return access.range.attribute;
  return access.kind === 'descent' ? access.level.attribute : undefined;
}
