import { expect, test, vi } from 'vitest';
import type { Query } from '../../../src/model/query.ts';
import { searchWithPauses } from '../../../src/store/search/search.ts';
import { ArraySource } from './array-source.ts';

const documents = Array.from({ length: 100 }, (_, id) => ({ id, age: id % 50 }));
const some = { attribute: 'age', comparator: 'less_than', value: 50 } as const;
const none = { attribute: 'name', comparator: 'equals', value: 'none' } as const;
const newest = { attribute: 'age', descending: true };

test.each<[string, Query]>([
  ['a scan that finds nothing', { where: { operator: 'and', conditions: [none] } }],
  ['a scan that is sorted', { sort: { attribute: 'name', descending: false } }],
  ['a range', { where: { operator: 'and', conditions: [some, none] } }],
  ['a union', { where: { operator: 'or', conditions: [some, none] } }],
  ['a descent', { sort: newest, where: { operator: 'and', conditions: [none] }, limit: 1 }],
  ['a skipped part', { offset: 100 }],
])('there is a pause every few milliseconds of %s', (_, query) => {
  let nowMs = 0;
  using clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  const source = new ArraySource({ documents, indexed: ['age'] });
  const read = source.get.bind(source);
  vi.spyOn(source, 'get').mockImplementation((key) => {
    nowMs += 1;
    return read(key);
  });
  const scan = source.scan.bind(source);
  vi.spyOn(source, 'scan').mockImplementation(function* (options) {
    for (const document of scan(options)) {
      nowMs += 1;
      yield document;
    }
  });

  const found = [...searchWithPauses(source, query)];

  expect(clock).toHaveBeenCalled();
  expect(found.filter((document) => document === undefined).length).toBeGreaterThanOrEqual(nowMs / 5 - 1);
  expect(nowMs).toBeGreaterThanOrEqual(100);
});
