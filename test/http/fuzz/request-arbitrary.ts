import fc from 'fast-check';
import { requestSchema } from '../../../src/operation/operation-schema.ts';
import { operations } from '../../../src/operation/registry.ts';
import { hints } from './hints.ts';
import { hostileName, hostileValue } from './hostile.ts';
import { arbitraryOf } from './schema-arbitrary.ts';

export const bodyFormats = ['json', 'msgpack', 'cbor'] as const;
export const accepts = ['application/json', 'application/x-msgpack', 'application/cbor', 'text/csv'] as const;
/** Who asks: a super user, a user with few rights, nobody. */
export const callers = ['admin', 'reader', 'stranger'] as const;

/** One request of the fuzz test. */
export interface FuzzRequest {
  readonly operation: string;
  readonly body: unknown;
  readonly format: (typeof bodyFormats)[number];
  readonly accept: (typeof accepts)[number];
  readonly caller: (typeof callers)[number];
  /** What happens to the bytes on their way: where, and what. */
  readonly damage: { readonly at: number; readonly kind: 'cut' | 'flip' | 'repeat' } | null;
}

/** Those that hash passwords, start processes or copy the store are asked less often. */
const weights: Readonly<Record<string, number>> = {
  add_user: 3,
  alter_user: 3,
  create_authentication_tokens: 6,
  login: 3,
  system_information: 2,
  get_backup: 3,
};

/** `system_information` without the sections that measure the machine, which take a second. */
const quickSections = [
  'time',
  'memory',
  'harperdb_processes',
  'table_size',
  'replication',
  'metrics',
  'threads',
];

const bodies: fc.Arbitrary<{ readonly operation: string; readonly body: unknown }> = fc.oneof(
  ...operations.map((operation) => {
    const { name } = operation;
    const body = arbitraryOf(requestSchema(operation), {
      hints: {
        ...hints,
        ...(name === 'system_information' && {
          attributes: fc.subarray(quickSections, { minLength: 1, maxLength: 2 }),
        }),
      },
    });
    return {
      weight: weights[name] ?? 10,
      arbitrary: body.map((drawn) => ({ operation: name, body: drawn })),
    };
  }),
);

/** One way to make a request wrong; `at` picks the place. */
type Mutation =
  | { readonly kind: 'replace' | 'add'; readonly at: number; readonly name: string; readonly value: unknown }
  | { readonly kind: 'remove' | 'wrap'; readonly at: number };

const at = fc.nat({ max: 1_000 });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('replace' as const, 'replace' as const, 'add' as const),
    at,
    name: hostileName,
    value: hostileValue,
  }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'wrap' as const), at }),
);

export const fuzzRequest: fc.Arbitrary<FuzzRequest> = fc
  .record({
    drawn: bodies,
    mutations: fc.oneof(
      { weight: 1, arbitrary: fc.constant<Mutation[]>([]) },
      { weight: 1, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 3 }) },
    ),
    format: weighted<FuzzRequest['format']>([8, 'json'], [1, 'msgpack'], [1, 'cbor']),
    accept: weighted<FuzzRequest['accept']>(
      [12, 'application/json'],
      [1, 'application/x-msgpack'],
      [1, 'application/cbor'],
      [1, 'text/csv'],
    ),
    caller: weighted<FuzzRequest['caller']>([16, 'admin'], [3, 'reader'], [1, 'stranger']),
    damage: fc.oneof(
      { weight: 11, arbitrary: fc.constant(null) },
      {
        weight: 1,
        arbitrary: fc.record({
          at: fc.nat({ max: 10_000 }),
          kind: fc.constantFrom('cut' as const, 'flip' as const, 'repeat' as const),
        }),
      },
    ),
  })
  .map(({ drawn: { operation, body }, mutations, ...rest }) => ({
    operation,
    body: mutations.reduce(mutated, body),
    ...rest,
  }));

function weighted<T extends string>(...options: readonly (readonly [number, T])[]): fc.Arbitrary<T> {
  return fc.oneof(...options.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
}

/** The body with one thing in it changed, anywhere in its depth. */
function mutated(body: unknown, change: Mutation): unknown {
  // The name of the operation stays mostly: without it nothing else is read.
  const places = placesIn(body).filter((path) => path[0] !== 'operation' || change.at % 40 === 0);
  const path = places[change.at % Math.max(1, places.length)] ?? [];
  return changedAt(body, path, change);
}

function placesIn(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => [
    [...path, name],
    ...placesIn(child, [...path, name]),
  ]);
}

function changedAt(value: unknown, path: readonly string[], change: Mutation): unknown {
  const [first, ...rest] = path;
  if (first === undefined || typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, child]): [string, unknown][] => {
    if (name !== first) return [[name, child]];
    if (rest.length > 0) return [[name, changedAt(child, rest, change)]];
    switch (change.kind) {
      case 'replace':
        return [[name, change.value]];
      case 'add':
        return [
          [name, child],
          [change.name, change.value],
        ];
      case 'remove':
        return [];
      case 'wrap':
        return [[name, [child]]];
    }
  });
  return Array.isArray(value) ? entries.map(([, child]) => child) : Object.fromEntries(entries);
}
