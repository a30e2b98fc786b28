import { readingOf } from '../../scripts/benchmark/readings.mjs';
import type { Document } from '../../src/model/change.ts';

/** Rows like those of `scripts/bench`: 17 fields, 347 bytes on average as JSON. */
export function rows(count: number, begin = 0): Document[] {
  return Array.from({ length: count }, (_, index) => row(begin + index));
}

export function row(number: number): Document {
  return readingOf(number);
}
