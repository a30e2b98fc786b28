import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Subscription } from '../../src/model/node.ts';
import {
  mergeSubscriptions,
  mirrored,
  shared,
  type SharedSubscription,
} from '../../src/model/subscription.ts';

const dog: Subscription = { database: 'dev', table: 'dog', publish: true, subscribe: false, version: 5 };

function channels(subscriptions: readonly SharedSubscription[]): readonly SharedSubscription[] {
  return subscriptions.toSorted((a, b) => (a.table < b.table ? -1 : 1));
}

describe('merging what the other end says', () => {
  test('takes a newer decision, seen from this end', () => {
    const newer = { ...dog, publish: true, subscribe: false, startTimeMs: 7, priority: 9, version: 6 };

    expect(mergeSubscriptions([dog], [newer])).toEqual([
      { ...dog, publish: false, subscribe: true, startTimeMs: 7, priority: 9, version: 6 },
    ]);
  });

  test('leaves an older decision alone, and says that nothing changed', () => {
    const mine = [dog];

    expect(mergeSubscriptions(mine, [{ ...dog, version: 4 }])).toBe(mine);
    expect(mergeSubscriptions(mine, [mirrored(dog)])).toBe(mine);
  });

  test('adds a channel that only the other end knew', () => {
    const cat = { ...dog, table: 'cat' };

    expect(mergeSubscriptions([dog], [cat])).toEqual([dog, mirrored(cat)]);
  });

  test('a table that was dropped here stays stopped while the agreement is the same', () => {
    const stopped = { ...dog, stopped: 'dropped here' as const };

    expect(mergeSubscriptions([stopped], [{ ...mirrored(dog), version: 9 }])).toEqual([
      { ...dog, version: 9, stopped: 'dropped here' },
    ]);
  });

  test('keeps what a delete does here, whatever the other end decides, and never tells it', () => {
    const mine = { ...dog, onDelete: 'archive' as const };

    expect(mergeSubscriptions([mine], [{ ...mirrored(dog), publish: true, version: 9 }])).toEqual([
      { ...mirrored({ ...mirrored(dog), publish: true, version: 9 }), onDelete: 'archive' },
    ]);
    expect(shared(mine)).toEqual(dog);
    expect(mirrored(mine)).toEqual(mirrored(dog));
  });

  test('ends what was decided before a node was removed, for the other end to hear of it, and nothing later', () => {
    const [old, later] = [dog, { ...dog, table: 'cat', version: 7 }];

    const merged = mergeSubscriptions([], [old, later], 6);

    expect(merged).toEqual([
      { ...dog, publish: false, subscribe: false, version: 6, replaced: true },
      mirrored(later),
    ]);
    expect(mergeSubscriptions(merged, [old, later], 6)).toBe(merged);
    const theirs = mergeSubscriptions([old, later], merged.map(shared));
    expect(channels(theirs.map(mirrored))).toEqual(channels(merged.map(shared)));
    expect(mergeSubscriptions(merged, theirs.map(shared), 6)).toBe(merged);
  });

  test('tables of the same name in two databases are two channels', () => {
    const other = { ...dog, database: 'live' };

    expect(mergeSubscriptions([dog], [other])).toHaveLength(2);
  });
});

const decision = fc.record({
  database: fc.constant('dev'),
  table: fc.constantFrom('dog', 'cat'),
  publish: fc.boolean(),
  subscribe: fc.boolean(),
  startTimeMs: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
  priority: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
});

/** What each end decided, in which order, and in which order the ends talk. */
const history = (version: fc.Arbitrary<number>) =>
  fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('decide' as const), atFirst: fc.boolean(), decision, version }),
      fc.record({ kind: fc.constant('tell' as const), fromFirst: fc.boolean() }),
    ),
    { maxLength: 12 },
  );

function bothEndsAfter(
  steps: readonly (
    | { kind: 'decide'; atFirst: boolean; decision: Omit<SharedSubscription, 'version'>; version: number }
    | { kind: 'tell'; fromFirst: boolean }
  )[],
  lastWords: readonly boolean[],
  versionAt: (atFirst: boolean, version: number) => number,
): [readonly Subscription[], readonly Subscription[]] {
  let first: readonly Subscription[] = [];
  let second: readonly Subscription[] = [];
  const tell = (fromFirst: boolean): void => {
    if (fromFirst) second = mergeSubscriptions(second, first.map(shared));
    else first = mergeSubscriptions(first, second.map(shared));
  };
  for (const step of steps) {
    if (step.kind === 'tell') tell(step.fromFirst);
    else {
      const mine = step.atFirst ? first : second;
      const known = mine.find(({ table }) => table === step.decision.table);
      // A node never decides with an older version than what it has seen.
      const version = (known?.version ?? 0) + step.version;
      const decided = { ...step.decision, version: versionAt(step.atFirst, version) };
      const changed = [...mine.filter(({ table }) => table !== decided.table), decided];
      if (step.atFirst) first = changed;
      else second = changed;
    }
  }
  lastWords.forEach(tell);
  return [first, second];
}

/** Versions of one end are even, those of the other odd. */
function distinct(atFirst: boolean, version: number): number {
  return version % 2 === (atFirst ? 0 : 1) ? version : version + 1;
}

const someVersion = fc.constantFrom(1, 2, 3);
const lastWords = fc.constantFrom([true, false], [false, true]);

test('both ends agree once each has told the other, whoever spoke first and whatever was decided', () => {
  fc.assert(
    fc.property(history(someVersion), lastWords, (steps, words) => {
      const [first, second] = bothEndsAfter(steps, words, distinct);

      expect(channels(first.map(shared))).toEqual(channels(second.map(mirrored)));
    }),
    { numRuns: 2000 },
  );
});

test('both ends agree also when they decided differently in the same microsecond', () => {
  fc.assert(
    fc.property(history(someVersion), lastWords, (steps, words) => {
      const [first, second] = bothEndsAfter(steps, words, (_, version) => version);

      expect(channels(first.map(shared))).toEqual(channels(second.map(mirrored)));
    }),
    { numRuns: 2000 },
  );
});

test('telling the same again changes nothing', () => {
  fc.assert(
    fc.property(history(someVersion), (steps) => {
      const [first, second] = bothEndsAfter(steps, [true, false, true, false], distinct);

      expect(mergeSubscriptions(first, second.map(shared))).toBe(first);
      expect(mergeSubscriptions(second, first.map(shared))).toBe(second);
    }),
  );
});
