import type { Document } from '../../../src/model/change.ts';
import type { Condition, ConditionGroup, Query, Sort } from '../../../src/model/query.ts';
import type { IndexValue } from '../../../src/store/search/search-source.ts';
import { isScalar, keyOf, order } from './array-source.ts';

/** What a search must answer: filter everything, sort everything, cut. Knows no index. */
export function naiveSearch(documents: readonly Document[], query: Query, primaryKey = 'id'): Document[] {
  const found = documents.filter((document) => query.where === undefined || meets(document, query.where));
  const sorts = sortsOf(query);
  const keyDescending = sorts[0]?.descending === true;
  found.sort((a, b) => {
    for (const { attribute, descending } of sorts) {
      const condition = conditionOn(query, attribute);
      if (condition?.comparator === 'equals' && attribute !== primaryKey) continue;
      const places = [a, b].map((document) => place(document[attribute], descending, condition));
      const difference = order(places[0] ?? null, places[1] ?? null);
      if (difference !== 0) return descending ? -difference : difference;
    }
    const byKey = order(keyOf(a, primaryKey), keyOf(b, primaryKey));
    return keyDescending ? -byKey : byKey;
  });
  const start = query.offset ?? 0;
  return found.slice(start, query.limit === undefined ? undefined : start + query.limit);
}

function meets(document: Document, member: Condition | ConditionGroup): boolean {
  if ('conditions' in member) {
    return member.operator === 'and'
      ? member.conditions.every((part) => meets(document, part))
      : member.conditions.some((part) => meets(document, part));
  }
  const elements = elementsOf(document[member.attribute]);
  if (member.comparator === 'not_equal') return elements.every((element) => element !== member.value);
  return elements.some((element) => meetsElement(element, member));
}

function meetsElement(element: IndexValue, { comparator, value }: Condition): boolean {
  const isOrdered = (limit: unknown) =>
    (typeof element === 'string' && typeof limit === 'string') ||
    (typeof element === 'number' && typeof limit === 'number');
  const compare = (limit: unknown) => (isScalar(limit) ? order(element, limit) : NaN);
  const isText = typeof element === 'string' && (typeof value === 'string' || typeof value === 'number');
  switch (comparator) {
    case 'equals':
      return element === value;
    case 'not_equal':
      return element !== value;
    case 'contains':
      return isText && element.includes(String(value));
    case 'starts_with':
      return isText && element.startsWith(String(value));
    case 'ends_with':
      return isText && element.endsWith(String(value));
    case 'greater_than':
      return isOrdered(value) && compare(value) > 0;
    case 'greater_than_equal':
      return isOrdered(value) && compare(value) >= 0;
    case 'less_than':
      return isOrdered(value) && compare(value) < 0;
    case 'less_than_equal':
      return isOrdered(value) && compare(value) <= 0;
    case 'between': {
      if (!Array.isArray(value) || value.length !== 2) return false;
      const [low, high]: unknown[] = value;
      return isOrdered(low) && isOrdered(high) && compare(low) >= 0 && compare(high) <= 0;
    }
  }
}

function sortsOf({ where, sort, reverse = false }: Query): Sort[] {
  const sorts: Sort[] = [];
  if (sort) {
    for (let level: Sort | undefined = sort; level; level = level.next) sorts.push(level);
  } else {
    const condition = first(everyAnswerMeets(where));
    sorts.push(...(condition ? [{ attribute: condition.attribute, descending: false }] : []));
  }
  if (sorts.length === 0) return reverse ? [{ attribute: 'id', descending: true }] : [];
  return sorts.map(({ attribute, descending }) => ({ attribute, descending: descending !== reverse }));
}

function everyAnswerMeets(member: Condition | ConditionGroup | undefined): Condition[] {
  if (member === undefined) return [];
  if ('comparator' in member) return [member];
  const isAnd = member.operator === 'and' || member.conditions.length === 1;
  return isAnd ? member.conditions.flatMap((part) => everyAnswerMeets(part)) : [];
}

function conditionOn({ where }: Query, attribute: string): Condition | undefined {
  return first(everyAnswerMeets(where).filter((condition) => condition.attribute === attribute));
}

/** The first equality, range or prefix, else the first other text condition. */
function first(conditions: readonly Condition[]): Condition | undefined {
  const texts = ['contains', 'ends_with'];
  const drivers = conditions.filter(({ comparator }) => comparator !== 'not_equal');
  return drivers.find(({ comparator }) => !texts.includes(comparator)) ?? drivers[0];
}

function place(value: unknown, descending: boolean, condition: Condition | undefined): IndexValue {
  const elements = elementsOf(value)
    .filter((element) => condition === undefined || isInRange(element, condition))
    .toSorted(order);
  return (descending ? elements.at(-1) : elements[0]) ?? null;
}

/** As an index sees it, which knows 200 units of a string. */
function isInRange(element: IndexValue, { attribute, comparator, value }: Condition): boolean {
  const cut = (whole: unknown) => (typeof whole === 'string' ? whole.slice(0, 200) : whole);
  const isLong = typeof value === 'string' && value.length >= 200;
  const isAny = comparator === 'contains' || comparator === 'ends_with';
  if (isAny) return typeof element === 'string';
  const seen = cut(element);
  if (!isScalar(seen)) return false;
  const inclusive = { greater_than: 'greater_than_equal', less_than: 'less_than_equal' } as const;
  const isLoose = comparator === 'greater_than' ? isLong : isLong && value.length > 200;
  const seenAs =
    isLoose && (comparator === 'greater_than' || comparator === 'less_than')
      ? inclusive[comparator]
      : comparator;
  const seenValue = Array.isArray(value) ? value.map(cut) : cut(value);
  return meetsElement(seen, { attribute, comparator: seenAs, value: seenValue });
}

function elementsOf(value: unknown): IndexValue[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.filter(isScalar);
}
