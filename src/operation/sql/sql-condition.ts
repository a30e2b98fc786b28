import * as z from 'zod';
import type { Comparator, Condition, ConditionGroup } from '../../model/query.ts';
import { attribute } from './attribute.ts';
import { orderedLiteral, parentheses, scalarLiteral, textLiteral } from './literal.ts';

const comparators: Readonly<Record<string, Comparator>> = {
  '=': 'equals',
  '!=': 'not_equal',
  '<>': 'not_equal',
  '<': 'less_than',
  '<=': 'less_than_equal',
  '>': 'greater_than',
  '>=': 'greater_than_equal',
};

const binary = z.strictObject({
  type: z.literal('binary_expr'),
  operator: z.string(),
  left: z.unknown(),
  right: z.unknown(),
  parentheses,
});
const junction = binary.extend({ operator: z.enum(['AND', 'OR']) });
const list = z.strictObject({
  type: z.literal('expr_list'),
  value: z.array(scalarLiteral).min(1),
  parentheses,
});
const range = z.strictObject({
  type: z.literal('expr_list'),
  value: z.tuple([orderedLiteral, orderedLiteral]),
});

/** The condition that a WHERE tree says; undefined for what the store cannot search by. */
export function conditionOf(tree: unknown): Condition | ConditionGroup | undefined {
  return joined(
    'or',
    alternativesOf(tree).map((terms) => joined('and', terms.map(termOf))),
  );
}

/**
 * The terms between each OR and the next, in order. The parser gives AND and OR one rank and joins them from the left,
 * or from the right behind IN; AND binds first. What stands in parentheses is one term, unless it is all there is.
 */
function alternativesOf(tree: unknown): readonly (readonly unknown[])[] {
  let terms: unknown[] = [];
  const alternatives = [terms];
  // The next is the last. Not by recursion: a chain may have thousands of terms.
  const coming: unknown[] = [tree];
  while (coming.length > 0) {
    const node = coming.pop();
    const { data } = junction.safeParse(node);
    if (node === 'OR') alternatives.push((terms = []));
    else if (data === undefined || (data.parentheses === true && node !== tree)) terms.push(node);
    else coming.push(data.right, ...(data.operator === 'OR' ? ['OR'] : []), data.left);
  }
  return alternatives;
}

function termOf(tree: unknown): Condition | ConditionGroup | undefined {
  const parsed = binary.safeParse(tree);
  if (!parsed.success) return undefined;
  const { operator, left, right } = parsed.data;
  if (operator === 'AND' || operator === 'OR') return conditionOf(tree);
  const named = attribute.safeParse(left);
  return named.success ? comparison(named.data, operator, right) : undefined;
}

function joined(
  operator: ConditionGroup['operator'],
  members: readonly (Condition | ConditionGroup | undefined)[],
): Condition | ConditionGroup | undefined {
  const conditions = members.filter((member) => member !== undefined);
  if (conditions.length < members.length) return undefined;
  return conditions.length === 1 ? conditions[0] : { operator, conditions };
}

function comparison(name: string, operator: string, right: unknown): Condition | ConditionGroup | undefined {
  switch (operator) {
    case 'LIKE': {
      const pattern = textLiteral.safeParse(right);
      return pattern.success ? likeCondition(name, pattern.data) : undefined;
    }
    case 'BETWEEN': {
      const ends = range.safeParse(right);
      if (!ends.success) return undefined;
      return { attribute: name, comparator: 'between', value: ends.data.value };
    }
    case 'IN': {
      const values = list.safeParse(right);
      if (!values.success) return undefined;
      const conditions = values.data.value.map((value): Condition => ({
        attribute: name,
        comparator: 'equals',
        value,
      }));
      return { operator: 'or', conditions };
    }
    default: {
      const comparator = comparators[operator];
      const isEquality = comparator === 'equals' || comparator === 'not_equal';
      const literal = (isEquality ? scalarLiteral : orderedLiteral).safeParse(right);
      if (comparator === undefined || !literal.success) return undefined;
      return { attribute: name, comparator, value: literal.data };
    }
  }
}

/** `%` counts at the ends only; elsewhere, and `_` anywhere, would need every text to be looked at by a pattern. */
function likeCondition(name: string, pattern: string): Condition | undefined {
  const parts = /^(%?)((?:[^%_\\]|\\[\s\S])*)(%?)$/.exec(pattern);
  if (!parts) return undefined;
  const [, before, middle = '', after] = parts;
  const value = middle.replaceAll(/\\([\s\S])/g, '$1');
  const comparator = before ? (after ? 'contains' : 'ends_with') : after ? 'starts_with' : 'equals';
  return { attribute: name, comparator, value };
}
