import { expect, test } from 'vitest';
import { CutAnswers, RowsInParts, type Part } from '../../src/channel/rows-in-parts.ts';

const mebibyte = 1 << 20;

/** An asker that takes one answer part after the other. */
function take(cut: CutAnswers<{ readonly rows: Uint8Array }>, rows: Uint8Array): Uint8Array {
  const parts = new RowsInParts(64 * mebibyte);
  let answer = cut.begin({ rows }, mebibyte);
  for (;;) {
    const whole = parts.join(answer.rows, answer.part);
    if (whole) return whole;
    const next = cut.next(parts.next, mebibyte);
    if (!next) throw new Error('it is not known any more');
    answer = next;
  }
}

test('one large record after the other is taken without waiting', () => {
  const cut = new CutAnswers(() => 0);

  for (let count = 0; count < 10; count += 1) {
    const rows = Buffer.alloc(40 * mebibyte, count);
    expect(rows.equals(take(cut, rows))).toBe(true);
  }
});

test('large records of several askers are kept up to a limit, those of askers that have gone only until others need room', () => {
  let nowMs = 0;
  const cut = new CutAnswers(() => nowMs);
  const rows = Buffer.alloc(60 * mebibyte);
  const first = cut.begin({ rows }, mebibyte);
  const second = cut.begin({ rows }, mebibyte);
  expect(() => cut.begin({ rows }, mebibyte)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  const after = ({ part }: typeof first) => part && { id: part.id, from: mebibyte };

  nowMs = 61_000;
  expect(cut.next(after(second), mebibyte)?.part).toMatchObject({ from: mebibyte });
  expect(cut.begin({ rows }, mebibyte).part).toMatchObject({ from: 0, total: rows.length });

  expect(cut.next(after(first), mebibyte)).toBeUndefined();
  expect(cut.next(after(second), mebibyte)?.part).toMatchObject({ from: mebibyte });
});

test('what has been given to its end is kept for a minute, for an asker whose last part was lost', () => {
  let nowMs = 0;
  const cut = new CutAnswers(() => nowMs);
  const { part } = cut.begin({ rows: Buffer.alloc(3 * mebibyte) }, mebibyte);
  const last = part && { id: part.id, from: 2 * mebibyte };
  expect(cut.next(last, mebibyte)).toBeDefined();
  nowMs = 59_000;
  cut.dropAbandoned();
  expect(cut.next(last, mebibyte)).toBeDefined();

  nowMs += 61_000;
  cut.dropAbandoned();

  expect(cut.heldBytes).toBe(0);
});

test.each<[string, number, Part]>([
  ['more than may come', 10, { id: 'a', from: 0, total: mebibyte + 1 }],
  ['more than can be', 10, { id: 'a', from: 0, total: Number.MAX_SAFE_INTEGER }],
  ['nothing, which would be asked for again and again', 0, { id: 'a', from: 0, total: 100 }],
  ['more than the whole', 10, { id: 'a', from: 0, total: 9 }],
])('a part that says %s is refused', (_, bytes, part) => {
  const parts = new RowsInParts(mebibyte);

  expect(() => parts.join(Buffer.alloc(bytes), part)).toThrow(
    expect.objectContaining({ code: 'undecodable' }),
  );
  expect(parts.next).toBeUndefined();
});

test('a part of another length under the same id begins anew', () => {
  const parts = new RowsInParts(mebibyte);
  expect(parts.join(Buffer.from('ab'), { id: 'a', from: 0, total: 4 })).toBeUndefined();

  expect(parts.join(Buffer.from('cd'), { id: 'a', from: 2, total: 6 })).toBeUndefined();

  expect(parts.next).toBeUndefined();
});
