import { describe, expect, test } from 'vitest';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { Cursors } from '../../src/store/cursors.ts';
import { Marks } from '../../src/store/marks.ts';
import { TemporaryDirectory } from './test-store.ts';

const torn = [Buffer.alloc(0), Buffer.from([0xc1]), Buffer.from('93', 'hex'), Buffer.from([1, 2, 3])];

describe.each(torn.map((bytes) => [bytes.toString('hex'), bytes] as const))('a row of %j', (_hex, bytes) => {
  test('is no cursor, and hides no other one', async () => {
    await using directory = await TemporaryDirectory.make();
    await using environment = new LmdbEnvironment({ path: directory.path, mapSizeBytes: 2 ** 26 });
    const cursors = new Cursors(environment);
    const whole = {
      incarnation: 'i',
      seq: 7,
      id: 'seven',
      copy: undefined,
      unproven: { id: 'hole', hole: true },
    };
    await environment.commit(() => {
      environment.trees.cursors.putSync([1, 'torn'], bytes);
      cursors.put('whole', 1, whole);
    });

    expect(cursors.get('torn', 1)).toBeUndefined();
    expect(cursors.get('whole', 1)).toEqual(whole);
    expect(cursors.areBehindGap(1)).toBe(true);
  });

  test('is a mark that claims nothing', async () => {
    await using directory = await TemporaryDirectory.make();
    await using environment = new LmdbEnvironment({ path: directory.path, mapSizeBytes: 2 ** 26 });
    const marks = new Marks(environment);
    await environment.commit(() => {
      environment.trees.marks.putSync([1, 'torn', 'i'], bytes);
      marks.raise(1, 'whole', { incarnation: 'i', seq: 3 });
    });

    expect(marks.get(1, 'torn', 'i')).toBe(0);
    expect(marks.get(1, 'whole', 'i')).toBe(3);
    expect(marks.all(1).length).toBe(2);
  });
});
