import type { Document } from '../../model/change.ts';
import type { Condition, ConditionGroup, Query, Sort } from '../../model/query.ts';
import { boundsOf, isNarrow } from './condition-bounds.ts';
import { compareIndexValues, elementsOf, isWithin } from './index-value.ts';
import type { IndexBounds, IndexValue } from './search-source.ts';
import type { Ranked } from './top-documents.ts';

export interface OrderLevel {
  readonly attribute: string;
  readonly descending: boolean;
  /** The condition whose range an array's place is taken from. */
  readonly condition?: Condition;
  readonly bounds?: IndexBounds;
}

/**
 * The order of an answer; it depends on the query alone, never on which indexes are ready. The last level is
 * the primary key, so no two documents tie.
 *
 * Without `sort`: by the attribute of the first condition of an `and` that is an equality, a range or a prefix,
 * else of the first `contains` or `ends_with`; then by primary key. An `or`, or no condition: primary key.
 * With `sort`: its levels, then the primary key in the direction of the first. `reverse` turns the whole order.
 *
 * A level whose attribute an `equals` has fixed orders nothing. Absent attributes and objects count as null.
 * An array counts as its smallest element (descending: its largest) in the range of the condition on that
 * attribute, or of all its elements when there is none.
 */
export function orderOf(query: Query, primaryKey: string): readonly OrderLevel[] {
  const isReversed = query.reverse === true;
  const conditions = topConditions(query.where);
  const sorts = query.sort ? sortLevels(query.sort) : defaultSort(conditions);
  const levels: OrderLevel[] = [];
  for (const { attribute, descending } of sorts) {
    if (attribute === primaryKey) return [...levels, { attribute, descending: descending !== isReversed }];
    const condition = leading(conditions.filter((candidate) => candidate.attribute === attribute));
    if (condition?.comparator === 'equals') continue;
    const bounds = condition && boundsOf(condition);
    levels.push({
      attribute,
      descending: descending !== isReversed,
      ...(condition && bounds !== 'nothing' && bounds && { condition, bounds }),
    });
  }
  const isKeyDescending = (sorts[0]?.descending ?? false) !== isReversed;
  return [...levels, { attribute: primaryKey, descending: isKeyDescending }];
}

/** The conditions that every answer meets: those of an `and`, and of groups that say the same as one. */
export function topConditions(where: ConditionGroup | undefined): readonly Condition[] {
  if (where === undefined || !isConjunction(where)) return [];
  return where.conditions.flatMap((member) => ('comparator' in member ? [member] : topConditions(member)));
}

export function isConjunction(group: ConditionGroup): boolean {
  return group.operator === 'and' || group.conditions.length === 1;
}

/** The document's values for the order, level by level. */
export function rank(document: Document, order: readonly OrderLevel[]): Ranked {
  return { document, values: order.map((level) => placeOf(document[level.attribute], level)) };
}

export function compareRanked(order: readonly OrderLevel[]): (a: Ranked, b: Ranked) => number {
  return (a, b) => {
    for (let index = 0; index < order.length; index++) {
      const result = compareIndexValues(a.values[index] ?? null, b.values[index] ?? null);
      if (result !== 0) return order[index]?.descending ? -result : result;
    }
    return 0;
  };
}

function placeOf(value: unknown, { bounds, descending }: OrderLevel): IndexValue {
  const elements = elementsOf(value);
  let place: IndexValue | undefined;
  for (const element of elements) {
    if (bounds && elements.length > 1 && !isWithin(bounds, element)) continue;
    if (place === undefined || compareIndexValues(element, place) < 0 !== descending) place = element;
  }
  return place ?? null;
}

function sortLevels(sort: Sort): readonly Sort[] {
  const levels: Sort[] = [];
  for (let level: Sort | undefined = sort; level; level = level.next) levels.push(level);
  return levels;
}

function defaultSort(conditions: readonly Condition[]): readonly Sort[] {
  const condition = leading(conditions);
  return condition ? [{ attribute: condition.attribute, descending: false }] : [];
}

function leading(conditions: readonly Condition[]): Condition | undefined {
  const bounded = conditions.filter((condition) => typeof boundsOf(condition) === 'object');
  return bounded.find(({ comparator }) => isNarrow(comparator)) ?? bounded[0];
}
