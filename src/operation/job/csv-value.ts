import { refuseWideIntegers } from '../../model/wide-integers.ts';
import { refuseUnkeepable } from '../../model/refuse-unkeepable.ts';
import { isoDateMs } from '../iso-date.ts';

const words: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['TRUE', true],
  ['false', false],
  ['FALSE', false],
  ['null', null],
  ['NULL', null],
]);

const plainNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/**
 * A cell of an untyped column: numbers, true, false, null, moments, and what looks like a JSON object or array and
 * is one. Everything else is the text as it stands; so are numbers that a double would change, `011`, and JSON that
 * could not be kept.
 */
export function csvValue(cell: string): unknown {
  const word = words.get(cell);
  if (word !== undefined) return word;
  return csvNumber(cell) ?? csvMoment(cell) ?? csvStructure(cell) ?? cell;
}

/** A cell of the primary key: a number or a text. */
export function csvKey(cell: string): number | string {
  return csvNumber(cell) ?? cell;
}

function csvNumber(cell: string): number | undefined {
  const text = cell.trim();
  if (text === '') return undefined;
  const number = Number(text);
  if (!Number.isFinite(number)) return undefined;
  // How JavaScript writes very large and very small ones.
  if (String(number) === text) return number;
  if (!plainNumber.test(text) || Math.abs(number) > Number.MAX_SAFE_INTEGER) return undefined;
  return number === 0 ? 0 : number;
}

/** A date and time with a zone, written as all moments are; undefined where that would cut off digits. */
function csvMoment(cell: string): string | undefined {
  const ms = isoDateMs(cell);
  // Only of a moment: looked for in any text, its end costs time that grows with the square of the length.
  if (ms === undefined || !/(Z|[+-]\d{2}:?\d{2})$/.test(cell) || /\.\d{4}/.test(cell)) return undefined;
  return new Date(ms).toISOString();
}

function csvStructure(cell: string): unknown {
  const text = cell.trim();
  const ends = `${text[0] ?? ''}${text.at(-1) ?? ''}`;
  if (ends !== '{}' && ends !== '[]') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    refuseUnkeepable(value);
    refuseWideIntegers(Buffer.from(text), text);
    return value;
  } catch {
    return undefined;
  }
}
