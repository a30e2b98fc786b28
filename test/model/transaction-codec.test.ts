import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasReservedCharacters } from '../../src/model/change.ts';
import type { Change, Document, Origin } from '../../src/model/change.ts';
import { CodedError } from '../../src/model/errors.ts';
import type { PieceItem, StubItem, TransactionHeader, WholeItem } from '../../src/model/transaction.ts';
import {
  decodeChanges,
  decodeDocument,
  decodeForeignDocument,
  decodeItem,
  decodeItems,
  decodeMessage,
  encodeChanges,
  encodeDocument,
  encodeItem,
  encodeItems,
  encodeMessage,
  openFrame,
  splitItem,
  type FramedItem,
} from '../../src/model/transaction-codec.ts';
import { goldenFile } from '../golden/golden-file.ts';

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom('', 'ü', '😀', '\u0000'));
const count = fc.oneof(
  fc.nat(200),
  fc.constantFrom(0, 1, 2 ** 16, 2 ** 32 - 1, 2 ** 32, 1_795_177_998_993_001, Number.MAX_SAFE_INTEGER),
);
const id = text.filter((value) => !hasReservedCharacters(value));
const origin: fc.Arbitrary<Origin> = fc.record({
  name: fc.constantFrom('edge-1', 'ü', 'a-b', 'b'),
  storeId: fc.constantFrom('s1', 's2', 'a\nb'),
});
const stamp = fc.record({ version: count, origin });
const bytes = fc.uint8Array({ maxLength: 20 }).map((value) => Buffer.from(value));
const key = fc.oneof(
  text.filter((value) => !hasReservedCharacters(value)),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
);
const change: fc.Arbitrary<Change> = fc.record({
  key,
  version: count,
  origin,
  base: fc.option(stamp),
  bytes: fc.option(bytes),
});
const header: fc.Arbitrary<TransactionHeader> = fc.record({
  id,
  kind: fc.constantFrom('write', 'rows'),
  origin,
  version: count,
  via: fc.option(text, { nil: undefined }),
  operation: fc.constantFrom(undefined, 'insert', 'update', 'upsert', 'delete'),
  user: fc.option(text, { nil: undefined }),
});
const originPlace = fc.record({ incarnation: id, seq: count });
const whole: fc.Arbitrary<WholeItem> = fc.record({
  kind: fc.constant('whole'),
  seq: count,
  header,
  originPlace,
  parts: fc.array(fc.record({ channel: text, seq: count }), { maxLength: 3 }),
  changes: bytes,
});
type Item = WholeItem | StubItem | PieceItem;
const item: fc.Arbitrary<Item> = fc.oneof(
  whole,
  fc.record({ kind: fc.constant('stub' as const), seq: count, header, originPlace }),
  fc.record({ kind: fc.constant('piece' as const), seq: count, id, index: count, count, bytes }),
);
const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }).map(plain);
const document: fc.Arbitrary<Document> = fc.dictionary(
  fc.oneof(text, fc.constantFrom('constructor', 'toString', '1', '-1')),
  json,
  { noNullPrototype: true, maxKeys: 6 },
);

function framed(value: Item): FramedItem {
  const id = value.kind === 'piece' ? value.id : value.header.id;
  return { seq: value.seq, id, bytes: Buffer.from(encodeItem(value)) };
}

/** JSON has a minus zero that MessagePack's integers do not; `__proto__` has a test of its own. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('"__proto__":', '"proto":')) as unknown;
}

describe('what is encoded comes back', () => {
  test('documents', () => {
    fc.assert(
      fc.property(document, (value) => {
        expect(decodeDocument(encodeDocument(value))).toEqual(value);
        expect(decodeForeignDocument(encodeDocument(value))).toEqual(value);
      }),
      { numRuns: 1000 },
    );
  });

  test('changes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
        expect(decodeChanges(encodeChanges(changes))).toEqual(changes);
      }),
      { numRuns: 1000 },
    );
  });

  test('items', () => {
    fc.assert(
      fc.property(item, (value) => {
        expect(decodeItem(encodeItem(value))).toEqual(value);
      }),
      { numRuns: 1000 },
    );
  });

  test('messages of items', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 5 }), (items) => {
        expect(decodeItems(encodeItems(items.map(framed))).map(openFrame)).toEqual(items);
      }),
    );
  });

  test('a transaction in pieces, whatever their size', () => {
    fc.assert(
      fc.property(whole, fc.integer({ min: 1, max: 50 }), (value, maxBytes) => {
        const encoded = encodeItem(value);

        const pieces = splitItem(value, encoded, maxBytes);

        const parts = pieces.map((piece, index) => {
          expect(piece).toMatchObject({ seq: value.seq, id: value.header.id, index, count: pieces.length });
          expect(piece.bytes.length).toBeLessThanOrEqual(maxBytes);
          return piece.bytes;
        });
        expect(decodeItem(Buffer.concat(parts))).toEqual(value);
      }),
    );
  });
});

describe('bytes that are not what they should be', () => {
  const decoders: Record<string, (value: Uint8Array) => unknown> = {
    decodeDocument,
    decodeForeignDocument,
    decodeChanges,
    decodeItem,
    decodeItems,
    decodeMessage,
  };
  const good = fc.oneof(
    item.map(encodeItem),
    fc.array(change, { maxLength: 4 }).map(encodeChanges),
    document.map(encodeDocument),
    fc.array(item.map(framed), { maxLength: 3 }).map(encodeItems),
  );
  const garbled = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.tuple(good, fc.nat()).map(([value, at]) => value.subarray(0, at % (value.length + 1))),
    fc.tuple(good, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
      const copy = Uint8Array.from(value);
      copy[at % copy.length] = byte;
      return copy;
    }),
    fc.tuple(good, fc.uint8Array({ minLength: 1, maxLength: 9 })).map(([a, b]) => Buffer.concat([a, b])),
    // Lengths of arrays, maps, strings and extensions that no message can have.
    fc
      .tuple(
        fc.constantFrom(0xdd, 0xdf, 0xdb, 0xc6, 0xc9, 0xdc, 0xde, 0xd4, 0xd5, 0xd6, 0xc7, 0xc1),
        fc.uint8Array({ maxLength: 12 }),
      )
      .map(([token, rest]) => Uint8Array.of(token, ...rest)),
  );

  test.each(Object.keys(decoders))('%s refuses them with `undecodable`, quickly', (name) => {
    const decode = decoders[name] ?? decodeMessage;
    fc.assert(
      fc.property(garbled, (value) => {
        const startedAtMs = performance.now();
        try {
          decode(value);
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError);
          expect(error).toMatchObject({ code: 'undecodable' });
        }
        expect(performance.now() - startedAtMs).toBeLessThan(1_000);
      }),
      { numRuns: 4000 },
    );
  });

  describe.each(Object.entries(decoders).filter(([name]) => name !== 'decodeDocument'))('%s', (_, decode) => {
    const undecodable = expect.objectContaining({ code: 'undecodable' }) as unknown;

    test.each([
      ['arrays', 'dd01ffffff'],
      ['short arrays', 'dcffff'],
      ['maps', 'df01ffffffa161'],
    ])('believes no more %s within each other than have come', (_kind, head) => {
      for (const levels of [1, 16, 250, 100_000])
        expect(() => decode(Buffer.from(head.repeat(levels), 'hex'))).toThrow(undecodable);
    });

    test.each([
      ['a map that is an extension', 'd47240'],
      ['a time', '81a161d6ff00000001'],
      ['an extension of any length', '81a161c7016901'],
    ])('takes no extension: %s', (_kind, hex) => {
      expect(() => decode(Buffer.from(hex, 'hex'))).toThrow(undecodable);
    });
  });

  test.each([
    ['a large whole number', '81a161cf1000000000000000'],
    ['a large negative number', '81a161d38000000000000000'],
    ['bytes', '81a161c40101'],
    ['bytes in a map in an array', '81a1619181a162c40101'],
    ['a time', '81a161d6ff00000001'],
  ])('%s is no part of a document of another node', (_, hex) => {
    expect(() => decodeForeignDocument(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code: 'undecodable' }),
    );
  });

  test('what a message leaves out, and more elements than short arrays and maps have, are read', () => {
    const long = Array.from({ length: 70_000 }, (_, index) => index);
    const wide = Object.fromEntries(long.map((index) => [`n${index}`, index]));

    expect(decodeMessage(encodeMessage({ left: undefined, long, wide }))).toEqual({ long, wide });
    expect(decodeForeignDocument(encodeDocument({ long, wide }))).toEqual({ long, wide });
  });

  test('leave no trace: the next good message is read as ever', () => {
    const row = { id: 64, seq: 100, name: 'rex' };
    const encoded = encodeDocument(row);
    fc.assert(
      fc.property(garbled, (value) => {
        try {
          decodeMessage(value);
        } catch {
          // Refused, as it should be.
        }

        expect(decodeDocument(encoded)).toEqual(row);
      }),
      { numRuns: 2000 },
    );
  });

  test.each<[string, Uint8Array]>([
    ['no map', encodeItems([])],
    ['bytes', Uint8Array.of(0xc4, 1, 1)],
    ['a time', Uint8Array.of(0xd6, 0xff, 0, 0, 0, 1)],
    ['nothing', new Uint8Array()],
    ['null', Uint8Array.of(0xc0)],
    ['a text', Uint8Array.of(0xa1, 0x61)],
  ])('%s is no document', (_, value) => {
    expect(() => decodeDocument(value)).toThrow(expect.objectContaining({ code: 'undecodable' }));
  });

  test('an item that cannot be read keeps its number and its bytes', () => {
    fc.assert(
      fc.property(garbled, (value) => {
        const opened = openFrame({ seq: 7, id: 'AAAAAAAAAAAAAAAA', bytes: value });

        expect(opened.seq).toBe(7);
        if (opened.kind === 'undecodable')
          expect(opened).toMatchObject({ id: 'AAAAAAAAAAAAAAAA', bytes: value });
      }),
    );
  });

  test('an item that is not the one its frame names is not read', () => {
    fc.assert(
      fc.property(item, (value) => {
        const frame = framed(value);

        expect(openFrame({ ...frame, seq: frame.seq === 0 ? 1 : frame.seq - 1 }).kind).toBe('undecodable');
        expect(openFrame({ ...frame, id: `${frame.id}x` }).kind).toBe('undecodable');
      }),
    );
  });

  describe('names and ids that no node has', () => {
    const good: WholeItem = {
      kind: 'whole',
      seq: 1,
      header: {
        id: 'AAAAAAAAAAAAAAAA',
        kind: 'write',
        origin: { name: 'edge', storeId: 's1' },
        version: 1,
        via: undefined,
        operation: undefined,
        user: undefined,
      },
      originPlace: { incarnation: 'i1', seq: 1 },
      parts: [],
      changes: Buffer.alloc(0),
    };
    const long = 'x'.repeat(65);

    test.each<[string, Partial<WholeItem>]>([
      ['a long id', { header: { ...good.header, id: long } }],
      ['a long store id', { header: { ...good.header, origin: { name: 'edge', storeId: long } } }],
      [
        'a control character in a store id',
        { header: { ...good.header, origin: { name: 'e', storeId: '\u0001' } } },
      ],
      ['no name', { header: { ...good.header, origin: { name: '', storeId: 's1' } } }],
      ['a long name', { header: { ...good.header, origin: { name: 'x'.repeat(251), storeId: 's1' } } }],
      ['a name with a line break', { header: { ...good.header, origin: { name: 'a\nb', storeId: 's1' } } }],
      ['a long incarnation', { originPlace: { incarnation: long, seq: 1 } }],
    ])('%s is undecodable', (_, changes) => {
      const opened = (sent: WholeItem): string => openFrame(framed(sent)).kind;

      expect(opened(good)).toBe('whole');
      expect(opened({ ...good, ...changes })).toBe('undecodable');
    });

    test.each<[string, Origin]>([
      ['a store id', { name: 'edge', storeId: long }],
      ['a name', { name: 'a b', storeId: 's1' }],
    ])('nor is %s of a change', (_, bad) => {
      const block = (changed: Origin) =>
        encodeChanges([{ key: 1, bytes: null, version: 1, origin: changed, base: null }]);

      expect(decodeChanges(block({ name: 'edge', storeId: 's1' }))).toHaveLength(1);
      expect(() => decodeChanges(block(bad))).toThrow(expect.objectContaining({ code: 'undecodable' }));
    });
  });

  test('another format is named in the error', () => {
    const [block, items] = [encodeChanges([]), encodeItems([])].map((value) => Uint8Array.from(value));
    for (const value of [block, items]) if (value) value[1] = 2;

    expect(() => decodeChanges(block ?? new Uint8Array())).toThrow('Format 2 is not known here');
    expect(() => decodeItems(items ?? new Uint8Array())).toThrow('Format 2 is not known here');
  });

  test('a change that names an unlisted origin is refused', () => {
    // [1, [], [[1, null, 5, 0]]]
    const block = Uint8Array.of(0x93, 1, 0x90, 0x91, 0x94, 1, 0xc0, 5, 0);

    expect(() => decodeChanges(block)).toThrow('names an origin that its block does not list');
  });
});

describe('wire format 1', () => {
  const a: Origin = { name: 'edge-1', storeId: 'storeA' };
  const b: Origin = { name: 'cloud', storeId: 'storeB' };
  const rex: Document = {
    id: 'rex',
    name: 'Rex ü 😀',
    age: 7,
    weight: 12.5,
    good: true,
    owner: null,
    tags: ['a', 1, [2]],
    home: { lat: -1, lon: 4_294_967_296 },
  };
  const bodyBytes = Buffer.from(encodeDocument(rex));
  const changes: Change[] = [
    { key: 'rex', version: 1_700_000_000_000_001, origin: a, base: null, bytes: bodyBytes },
    {
      key: 7,
      version: 1_700_000_000_000_002,
      origin: b,
      base: { version: 1_700_000_000_000_001, origin: a },
      bytes: null,
    },
  ];
  const head: TransactionHeader = {
    id: 'AAAAAAAAAAAAAAAA',
    kind: 'write',
    origin: a,
    version: 1_700_000_000_000_001,
    via: undefined,
    operation: 'upsert',
    user: 'HDB_ADMIN',
  };
  const wholeItem: WholeItem = {
    kind: 'whole',
    seq: 41,
    header: head,
    originPlace: { incarnation: 'incarnation1', seq: 12 },
    parts: [{ channel: 'dev:dog', seq: 41 }],
    changes: Buffer.from(encodeChanges(changes)),
  };
  const stub: StubItem = {
    kind: 'stub',
    seq: 42,
    header: { ...head, kind: 'rows', via: 'storeB', operation: undefined, user: undefined },
    originPlace: { incarnation: 'incarnation1', seq: 13 },
  };
  const piece: PieceItem = {
    kind: 'piece',
    seq: 43,
    id: head.id,
    index: 1,
    count: 3,
    bytes: Buffer.from([1, 2, 3]),
  };
  const encoded = {
    document: encodeDocument(rex),
    changes: encodeChanges(changes),
    whole: encodeItem(wholeItem),
    stub: encodeItem(stub),
    piece: encodeItem(piece),
    items: encodeItems([framed(stub), framed(piece)]),
  };
  const golden = goldenFile('wire-format-1', () => encoded);
  const at = (name: keyof typeof encoded): Buffer => golden.get(name) ?? Buffer.alloc(0);

  test.each(Object.entries(encoded))('%s is written as it was released', (name, value) => {
    expect(Buffer.from(value).toString('hex')).toBe(golden.get(name)?.toString('hex'));
  });

  test('what was released is read', () => {
    expect(decodeDocument(at('document'))).toEqual(rex);
    expect(decodeChanges(at('changes'))).toEqual(changes);
    expect(decodeItem(at('whole'))).toEqual(wholeItem);
    expect(decodeItem(at('stub'))).toEqual(stub);
    expect(decodeItem(at('piece'))).toEqual(piece);
    expect(decodeItems(at('items')).map(openFrame)).toEqual([stub, piece]);
  });
});
