import * as z from 'zod';
import type { Comparator, Condition, ConditionGroup } from '../../model/query.ts';
import { orderedLiteral, scalarLiteral, textLiteral } from './literal.ts';

const comparators: Readonly<Record<string, Comparator>> = {
  '=': 'equals',
  '!=': 'not_equal',
  '<>': 'not_equal',
  '<': 'less_than',
  '<=': 'less_than_equal',
  '>': 'greater_than',
  '>=': 'greater_than_equal',
};

const binary = z.object({
  type: z.literal('binary_expr'),
  operator: z.string(),
  left: z.unknown(),
  right: z.unknown(),
});
const attribute = z.object({ type: z.literal('column_ref'), table: z.null(), column: z.string() });
const list = z.object({ type: z.literal('expr_list'), value: z.array(scalarLiteral).min(1) });
const range = z.object({ type: z.literal('expr_list'), value: z.tuple([orderedLiteral, orderedLiteral]) });

/** The condition that a WHERE tree says; undefined for what the store cannot search by. */
export function conditionOf(tree: unknown): Condition | ConditionGroup | undefined {
  const parsed = binary.safeParse(tree);
  if (!parsed.success) return undefined;
  const { operator, left, right } = parsed.data;
  if (operator === 'AND' || operator === 'OR') {
    const members = [conditionOf(left), conditionOf(right)].filter((member) => member !== undefined);
    return members.length < 2
      ? undefined
      : { operator: operator === 'AND' ? 'and' : 'or', conditions: members };
  }
  const named = attribute.safeParse(left);
  return named.success ? comparison(named.data.column, operator, right) : undefined;
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
