export const comparators = [
  'equals',
  'not_equal',
  'contains',
  'starts_with',
  'ends_with',
  'greater_than',
  'greater_than_equal',
  'less_than',
  'less_than_equal',
  'between',
] as const;

export type Comparator = (typeof comparators)[number];

export interface Condition {
  readonly attribute: string;
  readonly comparator: Comparator;
  /** `between` takes `[low, high]`, both inclusive. */
  readonly value: unknown;
}

export interface ConditionGroup {
  readonly operator: 'and' | 'or';
  readonly conditions: readonly (Condition | ConditionGroup)[];
}

export interface Sort {
  readonly attribute: string;
  readonly descending: boolean;
  readonly next?: Sort;
}

/** What a search asks of one table. No condition: every record, in primary key order. */
export interface Query {
  readonly where?: ConditionGroup;
  readonly sort?: Sort;
  readonly offset?: number;
  readonly limit?: number;
  readonly reverse?: boolean;
  /** Only what comes later than these values of the order, level by level, primary key last: the next page. */
  readonly after?: readonly (string | number | boolean | null)[];
}
