import type { IndexBounds, IndexValue } from './search-source.ts';

/** Indexes hold this many code points of a string; longer strings share an entry's place with their prefix. */
export const indexedUnits = 200;

/** The scalars that a search sees in an attribute: the value itself, the elements of an array, or nothing. */
export function elementsOf(value: unknown): readonly IndexValue[] {
  if (Array.isArray(value)) return value.filter(isIndexValue);
  return isIndexValue(value) ? [value] : [];
}

/** The entries that an index holds for an attribute's value, each once. */
export function indexEntriesOf(value: unknown): readonly IndexValue[] {
  const elements = elementsOf(value);
  if (elements.length < 2) return elements.map((element) => indexForm(element));
  return [...new Set(elements.map((element) => indexForm(element)))];
}

/** The value as an index holds it. Cutting keeps the order: a <= b gives form(a) <= form(b). */
export function indexForm(value: IndexValue, units = indexedUnits): IndexValue {
  if (typeof value === 'string') {
    // Half a character is not kept: what is read back has the mark for it in its place.
    return cut(value, units).toWellFormed();
  }
  // One zero: -0 equals 0 for a search, so it must not have a place of its own.
  return value === 0 ? 0 : value;
}

/** The first code points of a text. */
export function cut(text: string, units: number): string {
  // A code point has at most two units: what is behind them would only be taken apart to be thrown away.
  return text.length > units ? [...text.slice(0, 2 * units)].slice(0, units).join('') : text;
}

/** By code point, as the key encoding of the store (UTF-8) orders them; JavaScript's `<` goes by UTF-16 unit. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rankOfUnit(left) < rankOfUnit(right) ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}

/** Surrogates stand for code points above every other unit. */
function rankOfUnit(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Null, booleans, numbers, strings by code point. */
export function compareIndexValues(a: IndexValue, b: IndexValue): number {
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0;
  return rankOf(a) - rankOf(b);
}

/** Whether an index walk over the bounds would come across the value. */
export function isWithin(bounds: IndexBounds, value: IndexValue): boolean {
  const form = indexForm(value);
  if (bounds.low !== undefined) {
    const order = compareIndexValues(form, bounds.low);
    if (order < 0 || (order === 0 && bounds.lowExclusive === true)) return false;
  }
  if (bounds.high !== undefined) {
    const order = compareIndexValues(form, bounds.high);
    if (order > 0 || (order === 0 && bounds.highExclusive === true)) return false;
  }
  return true;
}

export function isIndexValue(value: unknown): value is IndexValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return !Number.isNaN(value);
    default:
      return value === null;
  }
}

function rankOf(value: IndexValue): number {
  if (value === null) return 0;
  if (typeof value === 'boolean') return value ? 2 : 1;
  return typeof value === 'number' ? 3 : 4;
}
