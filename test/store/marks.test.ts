import { expect, test } from 'vitest';
import type { Environment } from '../../src/store/environment.ts';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { Marks } from '../../src/store/marks.ts';
import { TemporaryDirectory } from './test-store.ts';

const origin = { name: 'a', storeId: 'A' };
const place = (seq: number) => ({ incarnation: 'i', seq });

async function withMarks(body: (marks: Marks, environment: Environment) => Promise<void>): Promise<void> {
  await using directory = await TemporaryDirectory.make();
  await using environment = new LmdbEnvironment({ path: directory.path, mapSizeBytes: 2 ** 26 });
  await body(new Marks(environment), environment);
}

test('marks that are gathered are seen by all who ask meanwhile, and written at the end', async () => {
  await withMarks(async (marks, environment) => {
    await environment.commit(() =>
      marks.gathered(() => {
        marks.raise(1, 'A', place(1), { after: 0, upTo: 10 });
        marks.raise(1, 'A', place(2), { after: 0, upTo: 20 });
        marks.raise(1, 'A', place(1), { after: 0, upTo: 15 });
        expect(marks.get(1, 'A', 'i')).toBe(2);
        expect(environment.trees.marks.get([1, 'A', 'i'])).toBeUndefined();
        expect(marks.covers(1, { version: 20, origin })).toBe(true);
        marks.raise(1, 'A', place(3), { after: 0, upTo: 30 });
        expect(marks.covers(1, { version: 30, origin })).toBe(true);
        marks.raise(1, 'A', place(4), { after: 0, upTo: 40 });
      }),
    );

    expect(new Marks(environment).all(1)).toEqual([
      { storeId: 'A', place: place(4), held: { after: 0, upTo: 40 } },
    ]);
  });
});

test('what is held is not taken back by what is missing, and reaches no further down by what is added', async () => {
  await withMarks(async (marks, environment) => {
    const heldAfter = async (after: number, upTo: number): Promise<unknown> => {
      await environment.commit(() => marks.raise(1, 'A', place(0), { after, upTo }));
      return marks.all(1)[0]?.held;
    };

    // Nothing is held yet, and nothing that is older will be.
    expect(await heldAfter(10, 10)).toEqual({ after: 10, upTo: 10 });
    expect(await heldAfter(0, 20)).toEqual({ after: 10, upTo: 20 });
    // Nothing of that is held there, or all up to it may be missing.
    expect(await heldAfter(30, 30)).toEqual({ after: 10, upTo: 20 });
    expect(await heldAfter(15, 0)).toEqual({ after: 10, upTo: 20 });
    expect(await heldAfter(0, 40)).toEqual({ after: 10, upTo: 40 });
    expect(await heldAfter(50, 60)).toEqual({ after: 50, upTo: 60 });
  });
});

test('marks of a commit that fails are forgotten', async () => {
  await withMarks(async (marks, environment) => {
    const failing = environment.commit(() =>
      marks.gathered(() => {
        marks.raise(1, 'A', place(1));
        throw new Error('the disk is full');
      }),
    );

    await expect(failing).rejects.toThrow('the disk is full');
    expect(marks.get(1, 'A', 'i')).toBe(0);
    expect(marks.all(1)).toEqual([]);
  });
});

test('whatever a peer puts into its names, two marks stay two', async () => {
  await withMarks(async (marks, environment) => {
    await environment.commit(() =>
      marks.gathered(() => {
        marks.raise(1, 'A i', { incarnation: 'j', seq: 1 });
        marks.raise(1, 'A', { incarnation: 'i j', seq: 2 });
        marks.raise(1, 'A ij', { incarnation: '', seq: 3 });
      }),
    );

    expect([marks.get(1, 'A i', 'j'), marks.get(1, 'A', 'i j'), marks.get(1, 'A ij', '')]).toEqual([1, 2, 3]);
  });
});
