import type { Document } from '../../model/change.ts';
import type { Condition, ConditionGroup } from '../../model/query.ts';
import { between, ordinalOf, textOf } from './condition-value.ts';
import { compareIndexValues, elementsOf } from './index-value.ts';
import type { IndexValue } from './search-source.ts';

export type Matcher = (document: Document) => boolean;

/**
 * The test that decides whether a document belongs to the answer; indexes only propose candidates.
 *
 * Values are never converted. An array matches when one of its elements does; an object or an absent attribute
 * matches nothing. `not_equal` is the exact opposite of `equals`, so it holds for absent attributes too.
 * A condition with an unusable value (a range over booleans, say) matches nothing.
 */
export function matcherOf(where: Condition | ConditionGroup | undefined): Matcher {
  if (where === undefined) return () => true;
  if ('comparator' in where) return conditionMatcher(where);
  const members = where.conditions.map((member) => matcherOf(member));
  return where.operator === 'and'
    ? (document) => members.every((matches) => matches(document))
    : (document) => members.some((matches) => matches(document));
}

function conditionMatcher(condition: Condition): Matcher {
  const { attribute } = condition;
  if (condition.comparator === 'not_equal') {
    return (document) => !elementsOf(document[attribute]).some((element) => element === condition.value);
  }
  const matches = elementMatcher(condition);
  return (document) => elementsOf(document[attribute]).some((element) => matches(element));
}

function elementMatcher({ comparator, value }: Condition): (element: IndexValue) => boolean {
  switch (comparator) {
    case 'equals':
      return (element) => element === value;
    case 'not_equal':
      return (element) => element !== value;
    case 'contains':
      return textMatcher(value, (text, part) => text.includes(part));
    case 'starts_with':
      return textMatcher(value, (text, part) => text.startsWith(part));
    case 'ends_with':
      return textMatcher(value, (text, part) => text.endsWith(part));
    case 'greater_than':
      return orderMatcher(value, (order) => order > 0);
    case 'greater_than_equal':
      return orderMatcher(value, (order) => order >= 0);
    case 'less_than':
      return orderMatcher(value, (order) => order < 0);
    case 'less_than_equal':
      return orderMatcher(value, (order) => order <= 0);
    case 'between': {
      const range = between(value);
      const isFromLow = orderMatcher(range?.low, (order) => order >= 0);
      const isToHigh = orderMatcher(range?.high, (order) => order <= 0);
      return (element) => isFromLow(element) && isToHigh(element);
    }
  }
}

function textMatcher(value: unknown, test: (text: string, part: string) => boolean) {
  const part = textOf(value);
  if (part === undefined) return () => false;
  return (element: IndexValue) => typeof element === 'string' && test(element, part);
}

function orderMatcher(value: unknown, test: (order: number) => boolean) {
  const limit = ordinalOf(value);
  if (limit === undefined) return () => false;
  return (element: IndexValue) => typeof element === typeof limit && test(compareIndexValues(element, limit));
}
