import type { Comparator, Condition } from '../../model/query.ts';
import { between, ordinalOf, textOf } from './condition-value.ts';
import type { Ordinal } from './condition-value.ts';
import { compareIndexValues, cut, indexForm, indexedUnits, isIndexValue } from './index-value.ts';
import type { IndexBounds } from './search-source.ts';

/** Whether an index can go straight to the matches; `contains` and `ends_with` must look at every string. */
export function isNarrow(comparator: Comparator): boolean {
  return comparator !== 'contains' && comparator !== 'ends_with' && comparator !== 'not_equal';
}

/**
 * The range of an index that holds every match of a condition, and as little else as the index can tell.
 *
 * `units` is how much of a string the index holds (`maxKeyBytes` of the primary key, which is never longer). 'nothing' means that no
 * document can match; undefined that no range holds all matches (`not_equal`: absent values have no entry).
 */
export function boundsOf(condition: Condition, units = indexedUnits): IndexBounds | 'nothing' | undefined {
  const { comparator, value } = condition;
  switch (comparator) {
    case 'not_equal':
      return undefined;
    case 'equals': {
      if (!isIndexValue(value)) return 'nothing';
      const form = indexForm(value, units);
      return { low: form, high: form };
    }
    case 'contains':
    case 'ends_with':
      return textOf(value) === undefined ? 'nothing' : { low: '' };
    case 'starts_with': {
      const prefix = textOf(value);
      return prefix === undefined ? 'nothing' : prefixBounds(cut(prefix, units));
    }
    case 'greater_than':
    case 'greater_than_equal': {
      const low = ordinalOf(value);
      if (low === undefined) return 'nothing';
      return { ...lowEnd(low, comparator === 'greater_than', units), ...lastOf(low) };
    }
    case 'less_than':
    case 'less_than_equal': {
      const high = ordinalOf(value);
      if (high === undefined) return 'nothing';
      return { ...firstOf(high), ...highEnd(high, comparator === 'less_than', units) };
    }
    case 'between': {
      const range = between(value);
      if (range === undefined || compareIndexValues(range.low, range.high) > 0) return 'nothing';
      return { ...lowEnd(range.low, false, units), ...highEnd(range.high, false, units) };
    }
  }
}

function lowEnd(low: Ordinal, isExclusive: boolean, units: number): IndexBounds {
  // A full-length entry may stand for a longer string, which is greater: it cannot be excluded.
  const isWhole = typeof low === 'number' || low.length < units;
  return { low: indexForm(low, units), ...(isExclusive && isWhole && { lowExclusive: true }) };
}

function highEnd(high: Ordinal, isExclusive: boolean, units: number): IndexBounds {
  const isWhole = typeof high === 'number' || high.length <= units;
  return { high: indexForm(high, units), ...(isExclusive && isWhole && { highExclusive: true }) };
}

function firstOf(sample: Ordinal): IndexBounds {
  return { low: typeof sample === 'number' ? -Infinity : '' };
}

function lastOf(sample: Ordinal): IndexBounds {
  return typeof sample === 'number' ? { high: Infinity } : {};
}

/** All strings with the prefix: up to the next string of at most its length. */
function prefixBounds(prefix: string): IndexBounds {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.length > 0) {
    const last = points.pop() ?? lastPoint;
    if (last >= lastPoint) continue;
    // Surrogates are no characters of their own.
    const next = last + 1 === 0xd800 ? 0xe000 : last + 1;
    return { low: prefix, high: String.fromCodePoint(...points, next), highExclusive: true };
  }
  return { low: prefix };
}

const lastPoint = 0x10ffff;
