import { describe, expect, test } from 'vitest';
import { admit } from '../../src/channel/admission.ts';
import { foundByRoute } from '../../src/channel/join.ts';
import { tearNodeRow } from '../store/tear-node-row.ts';
import { TestStore } from '../store/test-store.ts';

const joiner = { name: 'edge', nkey: 'UKEY', addedVersion: 10 };
const nobody = { publicKey: 'UCLOUD', isAlive: (): boolean => false };
const everybody = { publicKey: 'UCLOUD', isAlive: (): boolean => true };

describe('a node that has proved itself', () => {
  test('is taken in with its key and no subscriptions', async () => {
    await using test = await TestStore.open({ nodeName: 'cloud' });

    expect(await admit(test.store, joiner, nobody)).toBe('admitted');

    expect(test.store.nodes.get('edge')).toEqual({
      name: 'edge',
      nkey: 'UKEY',
      addedVersion: 10,
      subscriptions: [],
    });
  });

  test('that is known already changes nothing', async () => {
    await using test = await TestStore.open({ nodeName: 'cloud' });
    await admit(test.store, joiner, nobody);
    const before = await test.dump();

    expect(await admit(test.store, joiner, everybody)).toBe('admitted');

    expect((await test.dump())['records']).toEqual(before['records']);
  });

  test('keeps what had been agreed with it before it joined', async () => {
    await using test = await TestStore.open({ nodeName: 'cloud' });
    const subscription = { database: 'dev', table: 'dog', publish: true, subscribe: false, version: 3 };
    await test.store.nodes.put({
      name: 'edge',
      host: 'h',
      port: 1,
      addedVersion: 20,
      subscriptions: [subscription],
    });

    await admit(test.store, joiner, nobody);

    expect(test.store.nodes.get('edge')).toEqual({
      name: 'edge',
      host: 'h',
      port: 1,
      nkey: 'UKEY',
      addedVersion: 20,
      subscriptions: [subscription],
    });
  });

  test('and was found by a route brings no version of a decision', async () => {
    await using test = await TestStore.open({ nodeName: 'cloud' });

    expect(await admit(test.store, { ...joiner, addedVersion: foundByRoute }, nobody)).toBe('admitted');

    expect(test.store.nodes.get('edge')?.addedVersion).toBe(0);
  });

  test('does not get the name of a node that is connected under another key', async () => {
    await using test = await TestStore.open({ nodeName: 'cloud' });
    await admit(test.store, joiner, nobody);

    const refused = await admit(test.store, { ...joiner, nkey: 'UOTHER' }, everybody);

    expect(refused).toMatchObject({ refused: 'name_in_use' });
    expect(test.store.nodes.get('edge')?.nkey).toBe('UKEY');
  });

  test('returns under its name with a new key once the old one is not connected', async () => {
    await using test = await TestStore.open({ nodeName: 'cloud' });
    await admit(test.store, joiner, nobody);

    expect(await admit(test.store, { ...joiner, nkey: 'UNEW' }, nobody)).toBe('admitted');

    expect(test.store.nodes.get('edge')?.nkey).toBe('UNEW');
  });

  test.each([
    { holder: 'edge', nkey: 'UKEY' },
    { holder: 'cloud', nkey: 'UCLOUD' },
  ])('does not share the key of $holder', async ({ holder, nkey }) => {
    await using test = await TestStore.open({ nodeName: 'cloud' });
    await admit(test.store, joiner, nobody);

    expect(await admit(test.store, { ...joiner, name: 'twin', nkey }, nobody)).toEqual({
      refused: 'join_refused',
      reason: expect.stringMatching(`^'twin' has the key of '${holder}'.* delete .*keys`),
    });
    expect(test.store.nodes.get('twin')).toBeUndefined();
  });

  test('may have the key of one that was removed: it is that node under another name', async () => {
    await using test = await TestStore.open({ nodeName: 'cloud' });
    await test.store.nodes.put({ ...joiner, removedVersion: 20, subscriptions: [] });

    expect(await admit(test.store, { ...joiner, name: 'twin' }, nobody)).toBe('admitted');
  });

  test('does not get the name of the node that it dialled', async () => {
    await using test = await TestStore.open({ nodeName: 'cloud' });

    expect(await admit(test.store, { ...joiner, name: 'cloud' }, nobody)).toMatchObject({
      refused: 'name_in_use',
    });
    expect(test.store.nodes.all()).toEqual([]);
  });

  test.each(['a b', 'a.b', 'a*', '>', 'x'.repeat(201)])('is not taken in as %j', async (name) => {
    await using test = await TestStore.open({ nodeName: 'cloud' });

    expect(await admit(test.store, { ...joiner, name }, nobody)).toMatchObject({ refused: 'join_refused' });
    expect(test.store.nodes.all()).toEqual([]);
  });

  test('is not taken in while the row under its name cannot be read: it may say that it was removed', async () => {
    await using test = await TestStore.open({ nodeName: 'cloud' });
    await admit(test.store, joiner, nobody);
    await tearNodeRow(test.path, 'edge');

    expect(await admit(test.store, joiner, nobody)).toEqual({
      refused: 'join_refused',
      reason: expect.stringMatching(/^cloud cannot read what it knows of 'edge': add 'edge' there again/),
    });
    expect(test.store.nodes.unreadable()).toEqual(['edge']);
  });

  test('that was removed here stays out until it is added again, later', async () => {
    await using test = await TestStore.open({ nodeName: 'cloud' });
    await test.store.nodes.put({
      name: 'edge',
      nkey: 'UKEY',
      addedVersion: 5,
      removedVersion: 10,
      subscriptions: [],
    });

    expect(await admit(test.store, joiner, nobody)).toMatchObject({ refused: 'removed', removedVersion: 10 });
    expect(test.store.nodes.get('edge')?.removedVersion).toBe(10);

    expect(await admit(test.store, { ...joiner, addedVersion: 11 }, nobody)).toBe('admitted');
    expect(test.store.nodes.get('edge')).toEqual({
      name: 'edge',
      nkey: 'UKEY',
      addedVersion: 11,
      subscriptions: [],
      endedUpTo: 10,
    });
  });

  test('and was found by a route after it was removed decides later than what has ended', async () => {
    await using test = await TestStore.open({ nodeName: 'cloud' });
    const { nodes } = test.store;
    const removedVersion = (await nodes.decide((version) => version)) + 60_000_000;
    await nodes.put({ name: 'edge', nkey: 'UKEY', addedVersion: 5, removedVersion, subscriptions: [] });

    await admit(test.store, { ...joiner, addedVersion: foundByRoute }, nobody);

    expect(nodes.get('edge')?.endedUpTo).toBe(removedVersion);
    expect(await nodes.decide((version) => version)).toBe(removedVersion + 1);
  });
});
