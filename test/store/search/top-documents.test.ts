import { describe, expect, test } from 'vitest';
import { maxSortedBytes, TopDocuments, type Ranked } from '../../../src/store/search/top-documents.ts';

const byFirst = (a: Ranked, b: Ranked): number => Number(a.values[0]) - Number(b.values[0]);

/** One text that all documents share, so that a test holds what is counted only once. */
const text = 'x'.repeat(maxSortedBytes / 8);
const ranked = (id: number, held: unknown = text): Ranked => ({ document: { id, held }, values: [id] });
const refusal = { code: 'too_large', message: expect.stringMatching(/limit.*cursor.*index/) };

describe('documents that are sorted in memory', () => {
  test('are refused when all of them are wanted and they hold too much', () => {
    const all = new TopDocuments(byFirst, Infinity);
    for (let id = 0; id < 7; id += 1) all.add(ranked(id));

    expect(() => all.add(ranked(7))).toThrow(expect.objectContaining(refusal));
  });

  test('are any number where those that are wanted hold little', () => {
    const top = new TopDocuments(byFirst, 7);
    for (let id = 100; id > 0; id -= 1) top.add(ranked(id));

    expect(top.drain().map(({ values }) => values[0])).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('are refused when the wanted ones turn out to hold too much', () => {
    const top = new TopDocuments(byFirst, 10);
    for (let id = 100; id > 90; id -= 1) top.add(ranked(id, ''));
    const addLarge = (): void => {
      for (let id = 20; id > 0; id -= 1) top.add(ranked(id));
    };

    expect(addLarge).toThrow(expect.objectContaining(refusal));
  });

  test('count with what is within them', () => {
    const all = new TopDocuments(byFirst, Infinity);
    const nested = { list: [{ text }, { text }, { text }, { text }] };
    all.add(ranked(1, nested));

    expect(() => all.add(ranked(2, nested))).toThrow(expect.objectContaining(refusal));
  });

  test('begin to be counted anew with each run of equal values', () => {
    const runs = new TopDocuments(byFirst, Infinity);
    const lengths = Array.from({ length: 10 }, () => {
      for (let id = 0; id < 7; id += 1) runs.add(ranked(id));
      return runs.drain().length;
    });

    expect(lengths).toEqual(Array.from({ length: 10 }, () => 7));
  });
});
