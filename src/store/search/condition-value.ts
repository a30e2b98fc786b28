/** A value that ranges compare with: strings with strings, numbers with numbers. */
export type Ordinal = string | number;

/** The value of a range comparator, or undefined when it has no order. */
export function ordinalOf(value: unknown): Ordinal | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && !Number.isNaN(value) ? value : undefined;
}

/** The value of a text comparator: a number stands for its decimal text; only stored strings can match it. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : ordinalOf(value)?.toString();
}

/** The value of `between`, or undefined when it is not a pair of one type. */
export function between(value: unknown): { readonly low: Ordinal; readonly high: Ordinal } | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const low = ordinalOf(value[0]);
  const high = ordinalOf(value[1]);
  if (low === undefined || high === undefined || typeof low !== typeof high) return undefined;
  return { low, high };
}
