import { describe, expect, test } from 'vitest';
import { differences, ExpectedWinners, type Write } from './support/expected-winners.ts';

let clock = 0;

function write(
  node: string,
  operation: Write['operation'],
  fields: Record<string, unknown> = {},
  more: Partial<Write> = {},
): Write {
  clock += 10;
  return {
    node,
    operation,
    id: 'a',
    fields,
    outcome: 'done',
    request: clock,
    sentMs: clock,
    endedMs: clock + 5,
    ...more,
  };
}

function rows(...records: readonly Record<string, unknown>[]): ReadonlyMap<string, Record<string, unknown>> {
  return new Map(records.map((record) => [String(record['id']), record]));
}

// What the other tests believe must itself be able to say no.
describe('the oracle', () => {
  function problems(writes: readonly Write[], ...records: readonly Record<string, unknown>[]): number {
    const expected = new ExpectedWinners();
    for (const one of writes) expected.add(one);
    return expected.problems(rows(...records)).length;
  }

  test('finds a lost, a changed, an invented and a returned record', () => {
    const inserted = write('n', 'insert', { value: 1 });
    const updated = write('n', 'update', { value: 2 });
    const deleted = write('n', 'delete');

    expect(problems([inserted], { id: 'a', value: 1, __updatedtime__: 5, other: null })).toBe(0);
    expect(problems([inserted])).toBe(1);
    expect(problems([inserted], { id: 'a', value: 2 })).toBe(1);
    expect(problems([inserted], { id: 'a', value: 1, extra: 1 })).toBe(1);
    expect(problems([inserted], { id: 'a', value: 1 }, { id: 'b', value: 1 })).toBe(1);
    expect(problems([inserted, updated], { id: 'a', value: 1 })).toBe(1);
    expect(problems([inserted, updated], { id: 'a', value: 2 })).toBe(0);
    expect(problems([inserted, deleted], { id: 'a', value: 1 })).toBe(1);
    expect(problems([inserted, deleted])).toBe(0);
  });

  test('lets a write without an answer be there or not, and no transaction by half', () => {
    const sent = write('n', 'insert', { value: 1 }, { outcome: 'unanswered' });
    const changed = write('n', 'update', { value: 2 }, { outcome: 'unanswered' });
    const together = { ...sent, id: 'b' };

    expect(problems([sent])).toBe(0);
    expect(problems([sent], { id: 'a', value: 1 })).toBe(0);
    expect(problems([sent], { id: 'a', value: 3 })).toBe(1);
    expect(problems([sent, changed], { id: 'a', value: 2 })).toBe(0);
    expect(problems([sent, together], { id: 'a', value: 1 }, { id: 'b', value: 1 })).toBe(0);
    expect(problems([sent, together], { id: 'a', value: 1 })).toBe(1);
  });

  test('takes the later of the writes of two nodes, and either where nobody can know', () => {
    const first = write('n', 'upsert', { value: 1 });
    const second = write('m', 'upsert', { value: 2 });
    const meanwhile = { ...write('m', 'upsert', { value: 3 }), sentMs: first.sentMs, endedMs: first.endedMs };
    const deleted = write('n', 'delete');

    expect(problems([first, second], { id: 'a', value: 1 })).toBe(1);
    expect(problems([second, first], { id: 'a', value: 2 })).toBe(0);
    expect(problems([first, meanwhile], { id: 'a', value: 1 })).toBe(0);
    expect(problems([first, meanwhile], { id: 'a', value: 3 })).toBe(0);
    expect(problems([first, second, deleted], { id: 'a', value: 2 })).toBe(1);
    expect(problems([first, second, deleted])).toBe(0);
  });
});

test('two copies differ in a missing record, a byte or a timestamp, and not in the order of attributes', () => {
  const record = { id: 'a', value: { x: 1, y: 2 }, __updatedtime__: 5 };

  expect(differences(rows(record), rows({ __updatedtime__: 5, value: { y: 2, x: 1 }, id: 'a' }))).toEqual([]);
  expect(differences(rows(record), rows())).toHaveLength(1);
  expect(differences(rows(record), rows({ ...record, __updatedtime__: 6 }))).toHaveLength(1);
  expect(differences(rows(record), rows({ ...record, value: { x: 1 } }))).toHaveLength(1);
});
