import { expect, test } from 'vitest';
import { GroupCommit } from '../../src/store/group-commit.ts';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { TemporaryDirectory } from './test-store.ts';

async function withEnvironment(body: (environment: LmdbEnvironment) => Promise<void>): Promise<void> {
  await using directory = await TemporaryDirectory.make();
  await using environment = new LmdbEnvironment({ path: directory.path, mapSizeBytes: 2 ** 28 });
  await body(environment);
}

test('what waits for a commit shares one, in the order of arrival', () =>
  withEnvironment(async (environment) => {
    const { meta } = environment.trees;
    const count = (): number => meta.get('count')?.readUInt32BE() ?? 0;
    const seen = await Promise.all(
      Array.from({ length: 50 }, () =>
        environment.commit(() => {
          const value = Buffer.alloc(4);
          value.writeUInt32BE(count() + 1);
          meta.putSync('count', value);
          return count();
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(count()).toBe(50);
  }));

test('what waits together is one transaction, not one for each inside of another', () =>
  withEnvironment(async (environment) => {
    let transactions = 0;
    const group = new GroupCommit(async (body) => {
      transactions += 1;
      return environment.commit(body);
    });

    await Promise.all(
      Array.from({ length: 64 }, (_, key) =>
        group.run(() => environment.trees.meta.putSync(key, Buffer.from('put'))),
      ),
    );

    expect([...environment.trees.meta.getKeys({})]).toHaveLength(64);
    expect(transactions).toBe(1);
  }));

test('one that throws takes nobody with it, and leaves nothing behind', () =>
  withEnvironment(async (environment) => {
    const { meta } = environment.trees;
    let forgotten = 0;
    environment.onAbort(() => (forgotten += 1));
    const put = (key: string, isBad: boolean) =>
      environment.commit(() => {
        meta.putSync(key, Buffer.from(key));
        if (isBad) throw new Error(`${key} is bad`);
        return key;
      });
    const results = await Promise.allSettled([put('a', false), put('b', true), put('c', false)]);
    expect(
      results.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason))),
    ).toEqual(['a', 'Error: b is bad', 'c']);
    expect([...meta.getKeys({})]).toEqual(['a', 'c']);
    expect(forgotten).toBeGreaterThan(0);
  }));

test('while it is held back nothing is committed, and what was under way is on disk before', () =>
  withEnvironment(async (environment) => {
    const { meta } = environment.trees;
    const put = (key: string) => environment.commit(() => meta.putSync(key, Buffer.from(key)));
    const keys = (): unknown[] => [...meta.getKeys({})];
    let isUnderWayDone = false;
    const underWay = put('a').then(() => (isUnderWayDone = true));

    const goOn = await environment.hold();
    expect(isUnderWayDone).toBe(true);
    let isHeldDone = false;
    const held = put('b').then(() => (isHeldDone = true));
    await environment.hold().then((release) => release());
    // By now nothing is under way that this process began.
    expect(isHeldDone).toBe(false);
    expect(keys()).toEqual(['a']);

    goOn();
    await Promise.all([underWay, held]);
    expect(keys()).toEqual(['a', 'b']);
  }));
