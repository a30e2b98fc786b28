import * as z from 'zod';
import { comparators, type Condition, type ConditionGroup } from '../../model/query.ts';
import { canonicalBody } from '../canonical-body.ts';
import { isDocument } from '../field.ts';
import { predicateOf } from '../validation-message.ts';

/** `and` or `or`, in any case. */
export const operator = z
  .preprocess((value) => (typeof value === 'string' ? value.toLowerCase() : value), z.enum(['and', 'or']))
  .default('and');

const condition = z
  .object({ attribute: z.string(), comparator: z.enum(comparators), value: z.unknown() })
  .transform((read, context): Condition => {
    const problem = valueProblem(read.comparator, read.value);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['value'], message: problem });
    return { attribute: read.attribute, comparator: read.comparator, value: read.value };
  });

/** Each is planned, and tested on every record that the plan proposes. */
const maxConditions = 1_000;

/** What documents tell of one in a list, which is read by hand. */
const conditionOrGroup = {
  anyOf: [
    {
      type: 'object',
      properties: { attribute: { type: 'string' }, comparator: { enum: [...comparators] }, value: {} },
      required: ['attribute', 'comparator', 'value'],
    },
    {
      type: 'object',
      properties: {
        operator: { enum: ['and', 'or'] },
        conditions: { type: 'array', items: { type: 'object' } },
      },
      required: ['conditions'],
    },
  ],
};

const list: z.ZodType<readonly (Condition | ConditionGroup)[]> = z
  .array(
    z
      .unknown()
      .transform((value, context): Condition | ConditionGroup => {
        const isGroup = isDocument(value) && value['conditions'] !== undefined;
        const parsed = isGroup
          ? group.safeParse(value, { reportInput: true })
          : condition.safeParse(isDocument(value) ? canonicalBody(value) : value, { reportInput: true });
        if (parsed.success) return parsed.data;
        // Re-raised here, so that texts carry the whole path.
        for (const issue of parsed.error.issues) {
          context.addIssue({ code: 'custom', path: issue.path, message: predicateOf(issue) });
        }
        return z.NEVER;
      })
      .meta(conditionOrGroup),
  )
  .min(1);

const group: z.ZodType<ConditionGroup> = z.object({
  operator,
  get conditions() {
    return list;
  },
});

/** A list of conditions and groups of them; too many are refused before any is looked at. */
export const conditions = z.preprocess((value, context) => {
  if (countOf(value) > maxConditions)
    context.addIssue({
      code: 'custom',
      message: `must hold at most ${maxConditions} conditions, those of groups included: search in parts, or by keys with search_by_id`,
    });
  return value;
}, list);

/** The attributes that conditions name, in all depths. */
export function conditionAttributes(list: readonly (Condition | ConditionGroup)[]): readonly string[] {
  return list.flatMap((item) =>
    'conditions' in item ? conditionAttributes(item.conditions) : [item.attribute],
  );
}

function countOf(conditionList: unknown): number {
  if (!Array.isArray(conditionList)) return 0;
  return conditionList.reduce<number>(
    (count, item) => count + (isDocument(item) ? Math.max(1, countOf(item['conditions'])) : 1),
    0,
  );
}

function valueProblem(comparator: Condition['comparator'], value: unknown): string | undefined {
  if (value === undefined) return 'is required';
  switch (comparator) {
    case 'equals':
    case 'not_equal':
      return undefined;
    case 'between':
      return Array.isArray(value) && value.length === 2 && value.every(isOrdered)
        ? undefined
        : 'must be an array of two strings or numbers';
    default:
      return isOrdered(value) ? undefined : 'must be a string or a number';
  }
}

function isOrdered(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
}
