import { describe, expect, test } from 'vitest';
import { MemoryBudget } from '../../../src/runtime/memory-budget.ts';
import { atOnce } from '../../../src/runtime/pauses.ts';
import { maxSortedBytes, TopDocuments, type Ranked } from '../../../src/store/search/top-documents.ts';

const byFirst = (a: Ranked, b: Ranked): number => Number(a.values[0]) - Number(b.values[0]);

const unbounded = new MemoryBudget({ maxBytes: Infinity, freeBytes: Infinity });
const add = (documents: TopDocuments, one: Ranked): unknown => [...documents.add(one)];
const drain = (documents: TopDocuments): readonly Ranked[] => [...atOnce(documents.drain())];

/** One text that all documents share, so that a test holds what is counted only once. */
const text = 'x'.repeat(maxSortedBytes / 8);
const ranked = (id: number, held: unknown = text): Ranked => ({ document: { id, held }, values: [id] });
const refusal = { code: 'too_large', message: expect.stringMatching(/limit.*cursor.*index/) };

describe('documents that are sorted in memory', () => {
  test('are refused when all of them are wanted and they hold too much', () => {
    const all = new TopDocuments(byFirst, Infinity, unbounded);
    for (let id = 0; id < 7; id += 1) add(all, ranked(id));

    expect(() => add(all, ranked(7))).toThrow(expect.objectContaining(refusal));
  });

  test('are any number where those that are wanted hold little', () => {
    const top = new TopDocuments(byFirst, 7, unbounded);
    for (let id = 100; id > 0; id -= 1) add(top, ranked(id));

    expect(drain(top).map(({ values }) => values[0])).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('are refused when the wanted ones turn out to hold too much', () => {
    const top = new TopDocuments(byFirst, 10, unbounded);
    for (let id = 100; id > 90; id -= 1) add(top, ranked(id, ''));
    const addLarge = (): void => {
      for (let id = 20; id > 0; id -= 1) add(top, ranked(id));
    };

    expect(addLarge).toThrow(expect.objectContaining(refusal));
  });

  test('count with what is within them', () => {
    const all = new TopDocuments(byFirst, Infinity, unbounded);
    const nested = { list: [{ text }, { text }, { text }, { text }] };
    add(all, ranked(1, nested));

    expect(() => add(all, ranked(2, nested))).toThrow(expect.objectContaining(refusal));
  });

  test('begin to be counted anew with each run of equal values', () => {
    const runs = new TopDocuments(byFirst, Infinity, unbounded);
    const lengths = Array.from({ length: 10 }, () => {
      for (let id = 0; id < 7; id += 1) add(runs, ranked(id));
      return drain(runs).length;
    });

    expect(lengths).toEqual(Array.from({ length: 10 }, () => 7));
  });

  test('are refused while those of other sorts fill the memory, and are taken once these are done', () => {
    const budget = new MemoryBudget({ maxBytes: maxSortedBytes, freeBytes: 0 });
    const first = new TopDocuments(byFirst, Infinity, budget);
    for (let id = 0; id < 7; id += 1) add(first, ranked(id));
    const second = new TopDocuments(byFirst, Infinity, budget);
    const fill = (): void => {
      for (let id = 0; id < 7; id += 1) add(second, ranked(id));
    };

    expect(fill).toThrow(expect.objectContaining({ code: 'unavailable' }));
    second[Symbol.dispose]();
    first[Symbol.dispose]();

    const third = new TopDocuments(byFirst, Infinity, budget);
    for (let id = 6; id >= 0; id -= 1) add(third, ranked(id));
    expect(drain(third)).toHaveLength(7);
  });
});
