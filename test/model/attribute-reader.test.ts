import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AttributeReader } from '../../src/model/attribute-reader.ts';
import type { Document } from '../../src/model/change.ts';
import { decodeDocument, encodeDocument, encodeMessage } from '../../src/model/transaction-codec.ts';
import { row } from '../budget/rows.ts';

const scalar = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ maxLength: 40 }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const value = fc.oneof(
  { weight: 5, arbitrary: scalar },
  fc.array(scalar),
  fc.object({ maxDepth: 3 }),
  fc.uint8Array({ maxLength: 300 }),
  fc.date({ noInvalidDate: true }),
);
const names = ['id', 'machine', '__proto__', 'ü', '\ud800', 'x'.repeat(40), '7'];
const document = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), value), { selector: ([name]) => name });

/** A document with its attributes in the order given, also with names that no object can have. */
function encoded(entries: readonly (readonly [string, unknown])[]): Uint8Array {
  const parts = entries.flat().map((part) => encodeMessage(part));
  return Buffer.concat([Buffer.from([0x80 + entries.length]), ...parts]);
}

/** What decoding everything says; undefined where it refuses. */
function decoded(bytes: Uint8Array): Document | undefined {
  try {
    return decodeDocument(bytes);
  } catch {
    return undefined;
  }
}

/** Whether it answers; then it must be right. */
function expectExact(bytes: Uint8Array, known: readonly string[], wanted: readonly string[]): boolean {
  const read = new AttributeReader(known, new Set(wanted)).read(bytes);
  if (!read) return false;
  const whole = decoded(bytes);
  expect(whole).toBeDefined();
  expect(Object.keys(whole ?? {}).filter((name) => !known.includes(name))).toEqual([]);
  const expected = Object.entries(whole ?? {}).filter(([name]) => wanted.includes(name));
  expect(new Map(Object.entries(read))).toEqual(new Map(expected));
  return true;
}

describe('an attribute reader', () => {
  test('reads what it should of the documents of a table, in whatever order', () => {
    const reader = new AttributeReader(Object.keys(row(1)), new Set(['machine', 'recorded_at', 'note']));
    for (let number = 0; number < 300; number += 1) {
      const { id, ...rest } = row(number);
      const { machine, recorded_at: recordedAt, note } = rest;

      const read = reader.read(encodeDocument(number % 2 === 0 ? { id, ...rest } : { ...rest, id }));

      expect(read).toEqual({ machine, recorded_at: recordedAt, note });
    }
  });

  test('leaves out what the document lacks', () => {
    const reader = new AttributeReader(['id', 'machine'], new Set(['machine']));

    expect(reader.read(encodeDocument({ id: 1 }))).toEqual({});
    expect(reader.read(encodeDocument({ id: 1, machine: null }))).toEqual({ machine: null });
  });

  test('does not answer where an attribute is not known, is no plain value, or bytes are left', () => {
    const reader = new AttributeReader(['id', 'machine'], new Set(['machine']));

    for (const more of [{ line: 1 }, { machine: [1] }, { machine: 'Säge' }, { machine: new Date(0) }])
      expect(reader.read(encodeDocument({ id: 1, ...more }))).toBeUndefined();
    expect(reader.read(Buffer.concat([encodeDocument({ id: 1 }), Buffer.from([0])]))).toBeUndefined();
    expect(reader.read(Buffer.from([0xc0]))).toBeUndefined();
    expect(reader.read(Buffer.alloc(0))).toBeUndefined();
  });

  test('whatever the document, says what decoding all of it says, or nothing', () => {
    let answers = 0;
    fc.assert(
      fc.property(document, fc.subarray(names), fc.subarray(names), (entries, known, wanted) => {
        if (expectExact(encoded(entries), known, wanted)) answers += 1;
      }),
      { numRuns: 1_000 },
    );
    expect(answers).toBeGreaterThan(20);
  });

  test('whatever became of the bytes, says what decoding all of them says, or nothing', () => {
    const change = fc.tuple(
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom('set', 'insert', 'cut'),
    );
    let answers = 0;
    fc.assert(
      fc.property(document, fc.array(change, { maxLength: 4 }), (entries, changes) => {
        let bytes = [...encoded(entries)];
        for (const [at, byte, how] of changes) {
          const index = at % (bytes.length + 1);
          if (how === 'set') bytes[index] = byte;
          else if (how === 'insert') bytes.splice(index, 0, byte);
          else bytes = bytes.slice(0, index);
        }
        if (expectExact(Uint8Array.from(bytes), names, ['id', 'machine'])) answers += 1;
      }),
      { numRuns: 2_000 },
    );
    expect(answers).toBeGreaterThan(20);
  });

  test('documents that differ in their attributes are read one after the other', () => {
    const reader = new AttributeReader(names, new Set(['id', 'machine']));
    fc.assert(
      fc.property(fc.array(fc.subarray(['id', 'machine', '7', 'ü']), { maxLength: 10 }), (shapes) => {
        for (const shape of shapes) {
          const written = Object.fromEntries(shape.map((name, index) => [name, index]));
          const { id, machine } = written;
          expect(reader.read(encodeDocument(written))).toEqual(
            Object.fromEntries(
              Object.entries({ id, machine }).filter(([, content]) => content !== undefined),
            ),
          );
        }
      }),
    );
  });

  test('is not slower than decoding, however many attributes the table has and however they are mixed', () => {
    const wide = Array.from({ length: 5_000 }, (_, number) => `attribute ${number}`);
    const reader = new AttributeReader(wide, new Set(['attribute 1']));
    // Steps that are prime to the number: each document has another order.
    const documents = [7, 11, 13, 17].map((step) =>
      encodeDocument(Object.fromEntries(wide.map((_, index) => [wide[(index * step) % wide.length], index]))),
    );
    const msOf = (read: (bytes: Uint8Array) => unknown): number => {
      const begunAtMs = performance.now();
      for (const bytes of documents) expect(read(bytes)).toBeDefined();
      return performance.now() - begunAtMs;
    };
    const rounds = Array.from({ length: 5 }, () => [
      msOf((bytes) => reader.read(bytes)),
      msOf((bytes) => decodeDocument(bytes)),
    ]);

    const [read, whole] = [0, 1].map((at) => Math.min(...rounds.map((round) => round[at] ?? Infinity)));
    expect(read).toBeLessThan(2 * (whole ?? 0));
  });
});
