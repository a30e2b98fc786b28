import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GreetingExchange } from '../../src/channel/greeting-exchange.ts';
import { patched, patchFrom } from '../../src/channel/merge-patch.ts';
import { greeting, type Greeting, type Hello } from '../../src/channel/hello.ts';
import { decodeBody, encodeBody } from '../../src/channel/message-body.ts';

const system = { lyre: '1.0.0', node: '20.0.0', platform: 'linux', apiPort: 1, clusterPort: 2 };
const place = { storeId: 'of the peer', incarnation: 'anyone', id: 'transaction' };
const tables = Array.from({ length: 100 }, (_, index) => `factory:readings-${index}`);

function helloOf(bootId: string, clockMs: number, seq: number): Hello {
  return {
    protocol: 2,
    name: bootId,
    storeId: 'store',
    bootId,
    clockMs,
    system,
    maxTransactionBytes: 1,
    isDialling: false,
    addedVersion: 1,
    subscriptions: tables.map((table) => {
      const proof = 'UQDsRfiNugikBJn/f0Wtj79ZokWVeipPpMC9vk9x3iI=';
      return { database: 'factory', table, publish: true, subscribe: true, version: 1, proof };
    }),
    heads: Object.fromEntries(tables.map((table) => [table, { seq: 1, committedAtMs: 1 }])),
    cursors: Object.fromEntries(
      tables.map((table, index) => [table, { ...place, seq: index === 7 ? seq : 1 }]),
    ),
    verified: {},
    links: [],
    routes: [],
  };
}

/** As it arrives. */
const carried = (said: Greeting): { readonly greeting: Greeting; readonly bytes: number } => {
  const body = encodeBody(said);
  return { greeting: decodeBody(greeting, body), bytes: body.length };
};

/** One question and its answer, and how many bytes each had. */
function greet(
  [asking, asks]: readonly [GreetingExchange, Hello],
  [answering, answers]: readonly [GreetingExchange, Hello],
  isFirst = false,
): number[] {
  const question = carried(asking.say(asks, isFirst));
  expect(answering.hear(question.greeting)).toEqual(asks);
  const answer = carried(answering.say(answers));
  expect(asking.hear(answer.greeting)).toEqual(answers);
  return [question.bytes, answer.bytes];
}

test('what has not changed is said once, and what arrives is the whole greeting', () => {
  const edge = new GreetingExchange();
  const host = new GreetingExchange();

  const first = greet([edge, helloOf('edge', 1, 1)], [host, helloOf('host', 1, 1)], true);
  const second = greet([edge, helloOf('edge', 2, 1)], [host, helloOf('host', 2, 1)]);
  const third = greet([edge, helloOf('edge', 3, 2)], [host, helloOf('host', 3, 1)]);

  expect(Math.min(...first)).toBeGreaterThan(20_000);
  expect(Math.max(...second, ...third)).toBeLessThan(150);
});

test('whoever has started anew is told everything, and so is a connection that may lead to another', () => {
  const edge = new GreetingExchange();
  const host = new GreetingExchange();
  greet([edge, helloOf('edge', 1, 1)], [host, helloOf('host', 1, 1)], true);
  greet([edge, helloOf('edge', 2, 1)], [host, helloOf('host', 2, 1)]);
  const again = new GreetingExchange();

  expect(() => again.hear(carried(edge.say(helloOf('edge', 3, 1))).greeting)).toThrow('is not known');
  const sizes = greet([edge, helloOf('edge', 4, 1)], [again, helloOf('host again', 1, 1)], true);

  expect(Math.min(...sizes)).toBeGreaterThan(20_000);
  const next = greet([edge, helloOf('edge', 5, 1)], [again, helloOf('host again', 2, 1)]);
  expect(Math.max(...next)).toBeLessThan(150);
});

test('greetings that get lost, come late or come twice change nothing of what the next one says', () => {
  const edge = new GreetingExchange();
  const host = new GreetingExchange();
  greet([edge, helloOf('edge', 1, 1)], [host, helloOf('host', 1, 1)], true);
  greet([edge, helloOf('edge', 2, 1)], [host, helloOf('host', 2, 1)]);
  const lost = edge.say(helloOf('edge', 3, 9));
  const late = carried(edge.say(helloOf('edge', 4, 5))).greeting;

  greet([edge, helloOf('edge', 5, 1)], [host, helloOf('host', 5, 1)]);
  expect(lost.basis).toBe(2);
  for (const _ of [1, 2]) expect(host.hear(late)).toEqual(helloOf('edge', 4, 5));
  greet([edge, helloOf('edge', 6, 5)], [host, helloOf('host', 6, 2)]);
});

test('a node that knows nothing of such greetings hears and says whole ones', () => {
  const edge = new GreetingExchange();
  for (const ms of [1, 2, 3]) {
    edge.hear(carried(helloOf('old', ms, 1)).greeting);
    const { bytes, greeting: said } = carried(edge.say(helloOf('edge', ms, 1)));
    expect([bytes > 20_000, said.basis]).toEqual([true, undefined]);
  }
});

test('a greeting that was overtaken over the other link, however often, tells what the newest tells', () => {
  const edge = new GreetingExchange();
  const host = new GreetingExchange();
  greet([edge, helloOf('edge', 1, 1)], [host, helloOf('host', 1, 1)], true);
  greet([edge, helloOf('edge', 2, 1)], [host, helloOf('host', 2, 1)]);
  const late = carried(edge.say(helloOf('edge', 3, 1))).greeting;

  for (let ms = 4; ms < 12; ms += 1) greet([edge, helloOf('edge', ms, 7)], [host, helloOf('host', ms, 1)]);

  expect(late.basis).toBe(2);
  expect(host.hear(late)).toEqual(helloOf('edge', 11, 7));
});

test('a session that begins anew within its process is told from the one before', () => {
  const host = new GreetingExchange();
  const before = new GreetingExchange();
  for (let ms = 1; ms < 9; ms += 1)
    greet([before, helloOf('edge', ms, 50)], [host, helloOf('host', ms, 1)], ms === 1);
  const after = new GreetingExchange();
  let sizes: number[] = [];

  for (let ms = 9; ms < 20; ms += 1)
    sizes = greet([after, helloOf('edge', ms, 1)], [host, helloOf('host', ms, 1)], ms === 9);

  expect(Math.max(...sizes)).toBeLessThan(150);
});

test('patches do not add up to more than a greeting can be', () => {
  const edge = new GreetingExchange();
  const host = new GreetingExchange();
  greet([edge, helloOf('edge', 1, 1)], [host, helloOf('host', 1, 1)], true);
  greet([edge, helloOf('edge', 2, 1)], [host, helloOf('host', 2, 1)]);
  const { exchange } = edge.say(helloOf('edge', 3, 1));
  const verified = (number: number): object => {
    const repaired = Array.from({ length: 900 }, () => 'x'.repeat(1_000));
    return { [`factory:lie-${number}`]: { asOfMs: 1, rows: 1, repairedCount: 900, repaired, onlyHere: 0 } };
  };

  expect(() => {
    for (let number = 3; number < 30; number += 1)
      host.hear({ exchange, number, basis: number - 1, verified: verified(number) });
  }).toThrow('larger than one can be');
});

test('a greeting that is not as agreed is refused, and the ones before stay known', () => {
  const edge = new GreetingExchange();
  const host = new GreetingExchange();
  greet([edge, helloOf('edge', 1, 1)], [host, helloOf('host', 1, 1)], true);
  greet([edge, helloOf('edge', 2, 1)], [host, helloOf('host', 2, 1)]);

  const { exchange } = edge.say(helloOf('edge', 3, 1));

  expect(() => host.hear({ exchange, basis: 2, number: 3, clockMs: 'noon' })).toThrow('clockMs');
  expect(() => host.hear({ exchange, basis: 2, number: 3, cursors: null })).toThrow('cursors');
  greet([edge, helloOf('edge', 3, 1)], [host, helloOf('host', 3, 1)]);
});

test('a patch of any two objects makes the one into the other', () => {
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.array(fc.integer(), { maxLength: 3 }));
  const name = fc.oneof(fc.constantFrom('a', 'b', '__proto__', 'constructor'), fc.string({ maxLength: 2 }));
  const fields = fc.dictionary(name, fc.oneof(leaf, fc.dictionary(name, leaf)));

  fc.assert(
    fc.property(fields, fields, (before, after) => {
      expect(patched(before, patchFrom(before, after))).toEqual({ ...after });
    }),
    { examples: [[{}, Object.fromEntries([['__proto__', Object.create(null) as Record<string, string>]])]] },
  );
});
