import * as z from 'zod';
import type { Comparator, Condition, ConditionGroup } from '../../model/query.ts';

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
const number = z.object({ type: z.literal('number'), value: z.number() });
const text = z.object({
  type: z.enum(['single_quote_string', 'double_quote_string', 'string']),
  value: z.string(),
});
const ordered = z.union([number, text]);
const scalar = z.union([ordered, z.object({ type: z.literal('bool'), value: z.boolean() })]);
const list = z.object({ type: z.literal('expr_list'), value: z.array(scalar).min(1) });
const range = z.object({ type: z.literal('expr_list'), value: z.tuple([ordered, ordered]) });

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
      const pattern = text.safeParse(right);
      return pattern.success ? likeCondition(name, pattern.data.value) : undefined;
    }
    case 'BETWEEN': {
      const ends = range.safeParse(right);
      if (!ends.success) return undefined;
      return { attribute: name, comparator: 'between', value: ends.data.value.map(({ value }) => value) };
    }
    case 'IN': {
      const values = list.safeParse(right);
      if (!values.success) return undefined;
      const conditions = values.data.value.map(({ value }): Condition => ({
        attribute: name,
        comparator: 'equals',
        value,
      }));
      return { operator: 'or', conditions };
    }
    default: {
      const comparator = comparators[operator];
      const isEquality = comparator === 'equals' || comparator === 'not_equal';
      const literal = (isEquality ? scalar : ordered).safeParse(right);
      if (comparator === undefined || !literal.success) return undefined;
      return { attribute: name, comparator, value: literal.data.value };
    }
  }
}

/** `%` counts at the ends only; elsewhere, and `_` anywhere, would need every text to be looked at by a pattern. */
function likeCondition(name: string, pattern: string): Condition | undefined {
  const begins = pattern.startsWith('%');
  const ends = pattern.length > 1 && pattern.endsWith('%');
  const value = pattern.slice(begins ? 1 : 0, ends ? -1 : undefined);
  if (/[%_\\]/.test(value)) return undefined;
  const comparator = begins ? (ends ? 'contains' : 'ends_with') : ends ? 'starts_with' : 'equals';
  return { attribute: name, comparator, value };
}
