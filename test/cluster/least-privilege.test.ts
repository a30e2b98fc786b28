import { createUser } from '@nats-io/nkeys';
import type { Msg } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeItems, decodeMessage, encodeMessage } from '../../src/model/transaction-codec.ts';
import { msToVersion } from '../../src/model/version-clock.ts';
import { channelResponse } from '../../src/channel/protocol.ts';
import { api, forbiddenReads, forbiddenWrites, next, secret } from './support/forbidden-subjects.ts';
import { askFor, copyOf, greet, helloOf, newestVersion, plant, proven } from './support/forged.ts';
import { peerOf } from './support/cluster-view.ts';
import { GuardedCluster } from './support/guarded-cluster.ts';
import { NatsClient, publicKeyOf, seedOf } from './support/nats-client.ts';
import { makeTable } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

/** For the tests that leave everybody what was agreed; the others have a cluster each. */
let cluster: GuardedCluster;
beforeAll(async () => {
  cluster = await GuardedCluster.start();
});
afterAll(async () => cluster[Symbol.asyncDispose]());

describe("a peer's key in an ordinary client", () => {
  test('writes to no stream, purges and deletes nothing, and reaches no interface but its own', async () => {
    await using client = await cluster.withGuestKey();
    const before = await cluster.state();
    expect(before.streams.length).toBeGreaterThanOrEqual(2);

    const sent: string[] = [];
    for (const [subject, body] of forbiddenWrites)
      for (const reply of [undefined, `${client.inboxPrefix}.answer`])
        if ((await client.publish(subject, body, reply)) === 'sent') sent.push(subject);

    expect(sent).toEqual([]);
    expect(await cluster.state()).toEqual(before);
    await cluster.tellFriend('still-followed');
  });

  test('hears nothing that is meant for others', async () => {
    await using client = await cluster.withGuestKey();

    const heard = await Promise.all(
      forbiddenReads.map(async (subject) => ({ subject, ...(await client.subscribe(subject)) })),
    );
    const own = await client.subscribe(`${client.inboxPrefix}.>`);
    await cluster.tellFriend('whispered');
    await copyOf(client, 'guest', 'default:open');

    expect(heard.filter(({ outcome }) => outcome === 'subscribed').map(({ subject }) => subject)).toEqual([]);
    expect(heard.flatMap(({ received }) => received.map(({ subject }) => subject))).toEqual([]);
    // Its own inbox is open, and nothing but the answers to its own questions comes there.
    expect(own.outcome).toBe('subscribed');
    expect(JSON.stringify(own.received.map(({ data }) => decodeMessage(data)))).not.toContain('whispered');
  });

  test('learns nothing of a table that is not published to it, not even that it is there', async () => {
    await using client = await cluster.withGuestKey();
    const before = await cluster.state();

    const control = await askFor(client, 'guest', 'default:open', await cluster.placeOf('open'));
    expect(control.map(({ kind }) => kind)).toEqual(['begin', 'begin', 'items', 'items', 'page']);

    const place = await cluster.placeOf('secret');
    const ofSecret = await askFor(client, 'guest', secret, place);
    const ofNothing = await askFor(client, 'guest', 'default:nothing', place);
    const ofInbox = await askFor(client, 'guest', 'default:inbox', place);
    for (const answers of [ofSecret, ofNothing, ofInbox])
      expect(answers.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => 'waiting'));
    expect(JSON.stringify(ofSecret).replaceAll('secret', 'x')).toBe(
      JSON.stringify(ofNothing).replaceAll('nothing', 'x'),
    );

    // Nor of what only looks like another name of it, nor of the node's own tables.
    for (const channel of [
      'system:hdb_user',
      'system:hdb_nodes',
      '>',
      '*:*',
      'default:*',
      'default:open:secret',
      '',
      ':',
    ])
      for (const answer of await askFor(client, 'guest', channel, place))
        expect({ channel, kind: answer.kind }).toEqual({
          channel,
          kind: expect.stringMatching(/^(waiting|refused)$/),
        });
    for (const service of ['join', 'nothing', 'hello.x', 'pull.secret', 'nodes'])
      expect(JSON.stringify(await client.callAnything(`svc.guest.${service}`, {}))).not.toMatch(
        /secret|hidden|scram/,
      );
    expect(await cluster.state()).toEqual(before);
  });

  test('puts nothing into a table that was not agreed to come from it', async () => {
    await using client = await cluster.withGuestKey();
    const before = await cluster.state();

    for (const channel of [
      secret,
      'default:open',
      'default:nothing',
      'system:hdb_user',
      'system:hdb_nodes',
    ]) {
      const answers = await plant(client, 'guest', channel, { id: 'hidden', word: 'forged' });
      expect(answers.map((answer) => answer.next)).toEqual([null, null, null]);
    }

    expect(await cluster.state()).toEqual(before);
    await plant(client, 'guest', 'default:inbox', { id: 'planted', word: 'from the key' });
    expect((await cluster.vault.rows('default', 'inbox')).has('planted')).toBe(true);
  });

  test.concurrent(
    'opens what was agreed: its own table, from the log and from the stream, and its own channel back',
    async () => {
      await using cluster = await GuardedCluster.start();
      await using client = await cluster.withGuestKey();
      const { vault } = cluster;

      const told = await greet(client, 'guest');
      expect(told.name).toBe('vault');
      expect(Object.keys(told.heads)).toEqual(['default:open']);

      const { keys, place } = await copyOf(client, 'guest', 'default:open');
      expect(keys.map(String).toSorted()).toEqual(['known', 'news']);

      const begun = await client.call(
        'svc.guest.subscribe',
        { kind: 'subscribe', channel: 'default:open', cursor: place, sources: [] },
        channelResponse,
      );
      expect(begun).toMatchObject({ start: { kind: 'stream', stream: 'default:open', consumer: 'guest' } });
      await vault.must({
        operation: 'insert',
        schema: 'default',
        table: 'open',
        records: [{ id: 'later', word: 'for everybody' }],
      });
      const [message] = await client.gather(`${api}.CONSUMER.MSG.NEXT.default:open.guest`, next, 1);
      expect(decodeItems(message?.data ?? new Uint8Array()).map(({ seq }) => seq)).toEqual([place.seq + 1]);

      await plant(client, 'guest', 'default:inbox', { id: 'planted', word: 'from the key' });
      expect((await vault.rows('default', 'inbox')).get('planted')).toMatchObject({ word: 'from the key' });
    },
  );

  test.concurrent('changes nothing that was agreed by what it says in a hello', async () => {
    await using cluster = await GuardedCluster.start();
    await using client = await cluster.withGuestKey();
    const { vault } = cluster;
    await makeTable(vault, ['default', 'extra']);
    const version = newestVersion();
    const wanted = { database: 'default', table: 'secret', publish: true, subscribe: true, version };
    const place = await cluster.placeOf('secret');
    const agreed = async (): Promise<unknown> =>
      (await cluster.nodes()).map(({ name, subscriptions }) => ({ name, subscriptions }));
    const before = await agreed();
    const vaultsOwn = (await greet(client, 'guest')).subscriptions;
    const [open] = vaultsOwn;
    if (!open) throw new Error('the vault told no subscription');

    const ofOpen = await proven('guest', 'vault', { ...open, publish: false, subscribe: true });
    const forgeries = {
      'no proof': { ...wanted, proof: '' },
      'another password': await proven('guest', 'vault', wanted, 'not the cluster secret'),
      "the vault's own words for another table": { ...wanted, proof: open.proof },
      "the vault's own words for another direction": { ...open, publish: true, subscribe: true, version },
      "the guest's own proof of another table": { ...wanted, version: ofOpen.version, proof: ofOpen.proof },
      "the guest's own proof with a newer version": { ...ofOpen, publish: true, version },
      "the friend's proof of that table": await proven('friend', 'vault', wanted),
      'a proof made for another node': await proven('guest', 'friend', wanted),
    };
    for (const [what, subscription] of Object.entries(forgeries)) {
      await greet(client, 'guest', [subscription], { addedVersion: version });
      expect({ what, agreed: await agreed() }).toEqual({ what, agreed: before });
      const answers = await askFor(client, 'guest', secret, place);
      expect({ what, kinds: new Set(answers.map(({ kind }) => kind)) }).toEqual({
        what,
        kinds: new Set(['waiting']),
      });
      expect(await client.publish(`${api}.CONSUMER.MSG.NEXT.${secret}.guest`, next)).toBe('refused');
      expect((await plant(client, 'guest', secret, { id: 'hidden', word: 'forged' }))[0]?.next).toBeNull();
    }
    // What a hello says of itself does not reach another peer's row.
    await greet(client, 'guest', [], { name: 'friend', storeId: place.storeId });
    expect(await agreed()).toEqual(before);

    // Who knows the cluster user may: the forgeries failed for their proof and for nothing else.
    const now = msToVersion(Date.now());
    await greet(client, 'guest', [
      await proven('guest', 'vault', { ...wanted, table: 'extra', publish: false, version: now }),
    ]);
    await waitFor('the extra table to be published', async () => {
      const [answer] = await askFor(client, 'guest', 'default:extra', place);
      return answer?.kind === 'begin';
    });
    // A decision that the vault has taken back is not brought back by the words that once made it.
    await vault.must({
      operation: 'update_node',
      name: 'guest',
      subscriptions: [{ channel: 'default:extra', publish: false, subscribe: false }],
    });
    await greet(client, 'guest', [
      await proven('guest', 'vault', { ...wanted, table: 'extra', publish: false, version: now }),
    ]);
    expect((await askFor(client, 'guest', 'default:extra', place)).map(({ kind }) => kind)).not.toContain(
      'begin',
    );

    // Nor is the end of a membership another peer's to say: whoever says it in the friend's name ends at most its own.
    const friend = async (): Promise<unknown> =>
      (await cluster.nodes()).find(({ name }) => name === 'friend');
    const member = await friend();
    const gone = { name: 'friend', storeId: place.storeId, removedVersion: newestVersion() };
    // The vault may end the connection of a node that it has just forgotten before it answers.
    await greet(client, 'guest', [], gone).catch(() => undefined);
    await waitFor('the vault to have heard it', async () => (await peerOf(vault, 'guest')) === undefined);
    await cluster.tellFriend('still-followed');
    expect(await friend()).toEqual(member);
  });

  test.concurrent('brings no answer into the account of the node itself, wherever it is to go', async () => {
    await using cluster = await GuardedCluster.start();
    await using client = await cluster.withGuestKey();
    const { place } = await copyOf(client, 'guest', 'default:open');
    const subscribe = encodeMessage({
      kind: 'subscribe',
      channel: 'default:open',
      cursor: place,
      sources: [],
    });
    const pull = encodeMessage({
      kind: 'pull',
      channel: 'default:open',
      cursor: place,
      sources: [],
      bodies: true,
      pieces: 0,
    });
    await greet(client, 'guest');
    const fetch = `${api}.CONSUMER.MSG.NEXT.default:open.guest`;
    await client.call(
      'svc.guest.subscribe',
      { kind: 'subscribe', channel: 'default:open', cursor: place, sources: [] },
      channelResponse,
    );
    const later = { id: 'later', word: 'for everybody' };
    await cluster.vault.must({ operation: 'insert', schema: 'default', table: 'open', records: [later] });
    await waitFor('it to be in the stream', async () => (await cluster.placeOf('open')).seq > place.seq);
    const before = await cluster.state();
    const hello = encodeMessage(helloOf('friend'));
    const targets = [
      `ch.${secret}`,
      'ch.default:open',
      `${api}.STREAM.PURGE.${secret}`,
      `${api}.STREAM.DELETE.${secret}`,
      `${api}.CONSUMER.DELETE.${secret}.friend`,
      `${api}.CONSUMER.CREATE.${secret}`,
      `${api}.CONSUMER.MSG.NEXT.${secret}.friend`,
      `$JS.ACK.${secret}.friend.1.1.1.1.1`,
      'svc.friend.hello',
      'svc.friend.apply',
      'svc.join',
      'svc.guest.hello',
      '_INBOX_friend.x',
      '_INBOX_bridge.x',
      '$SYS.REQ.SERVER.PING',
    ];

    // What is an answer has no place for an answer to it, unless it is a message of a stream.
    const answers = (heard: readonly Msg[]): readonly string[] =>
      heard
        .filter(({ reply = '' }) => reply === '' || reply.startsWith('$JS.ACK.'))
        .map(({ subject }) => subject);
    const heard = new Map<string, readonly Msg[]>();
    for (const target of targets) heard.set(target, await cluster.overhear(target));

    for (const target of targets) {
      await client.publish('svc.guest.hello', hello, target);
      await client.publish('svc.guest.pull', pull, target);
      await client.publish('svc.guest.subscribe', subscribe, target);
      await client.publish('svc.guest.nodes', encodeMessage({}), target);
      await client.publish(fetch, next, target);
      // The answer to this question comes after those to the ones before it.
      await copyOf(client, 'guest', 'default:open');
      expect({ target, state: await cluster.state() }).toEqual({ target, state: before });
    }
    // Whatever waited for a message of the stream has been answered before this is.
    await client.gather(fetch, next, 1);
    await cluster.heard();
    expect(heard.get('svc.guest.hello')).not.toEqual([]);
    expect([...heard.values()].flatMap(answers)).toEqual([]);
    await cluster.tellFriend('still-followed');
  });

  test.concurrent(
    'opens nothing any more once its node was removed, also for a client that is connected',
    async () => {
      await using cluster = await GuardedCluster.start();
      await using client = await cluster.withGuestKey();
      await copyOf(client, 'guest', 'default:open');

      await cluster.vault.must({ operation: 'remove_node', name: 'guest' });

      // At once: the answer says that the key is gone.
      await expect(cluster.withGuestKey()).rejects.toThrow(/authorization/i);
      await waitFor('the vault to end the connection', () => client.connection.isClosed());
      await cluster.tellFriend('still-followed');
    },
  );

  test.concurrent('opens a table no longer once that is no longer published to it', async () => {
    await using cluster = await GuardedCluster.start();
    await using first = await cluster.withGuestKey();
    const { place } = await copyOf(first, 'guest', 'default:open');
    expect(await cluster.streamNames()).toEqual(['default:open', 'default:secret']);

    await cluster.vault.must({
      operation: 'update_node',
      name: 'guest',
      subscriptions: [{ channel: 'default:open', publish: false, subscribe: false }],
    });

    // Permissions that change end the connections that had them.
    await waitFor('the stream to be closed to the guest', async () => {
      await using client = await cluster.withGuestKey();
      return (await client.publish(`${api}.CONSUMER.MSG.NEXT.default:open.guest`, next)) === 'refused';
    });
    await using client = await cluster.withGuestKey();
    const answers = await askFor(client, 'guest', 'default:open', place);
    expect(answers.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => 'waiting'));
    // Nobody needs it any more.
    await waitFor('the stream to be gone', async () => {
      const names = await cluster.streamNames();
      return names.length === 1 && names[0] === 'default:secret';
    });
  });
});

describe('a client without the key of a peer', () => {
  test('may ask to join, and do nothing else', async () => {
    await using client = await NatsClient.open({
      server: cluster.vault,
      credentials: { kind: 'none' },
      inbox: 'join',
    });
    const before = await cluster.state();

    const isOwn = (subject: string): boolean => subject === 'svc.join' || subject === '_INBOX_join.>';
    const sent: string[] = [];
    const subjects = [
      ...forbiddenWrites,
      [`${api}.CONSUMER.MSG.NEXT.default:open.guest`, next] as const,
      ['svc.guest.hello', '{}'] as const,
      ['svc.join.hello', '{}'] as const,
    ];
    for (const [subject, body] of subjects)
      if (!isOwn(subject) && (await client.publish(subject, body)) === 'sent') sent.push(subject);
    const heard: string[] = [];
    for (const subject of [...forbiddenReads, '_INBOX_guest.>'])
      if (!isOwn(subject) && (await client.subscribe(subject)).outcome === 'subscribed') heard.push(subject);
    expect({ sent, heard }).toEqual({ sent: [], heard: [] });

    // It is asked for a proof; a wrong one brings it nowhere, nor does asking for anything else.
    const first = {
      step: 'first',
      user: 'cluster_user',
      name: 'friend',
      nkey: publicKeyOf(cluster.guest),
      nonce: 'a nonce of sixteen or more',
      addedVersion: newestVersion(),
    };
    const challenge = (await client.callAnything('svc.join', first)) as { readonly nonce: string };
    expect(challenge).toMatchObject({ serverName: 'vault', nonce: expect.stringContaining(first.nonce) });
    const final = {
      step: 'final',
      nonce: challenge.nonce,
      proof: Buffer.alloc(32).toString('base64'),
      signature: Buffer.alloc(64).toString('base64'),
    };
    expect(await client.callAnything('svc.join', final)).toMatchObject({ refused: 'join_refused' });
    expect(
      await client.callAnything('svc.join', { kind: 'subscribe', channel: secret, sources: [] }),
    ).toEqual({
      error: expect.stringContaining('not as agreed'),
    });
    expect(await cluster.state()).toEqual(before);
    await cluster.tellFriend('followed-on');
  });

  test('is not let in by a key or a password that nobody gave out', async () => {
    const { vault, friend } = cluster;
    const wrong = [
      { kind: 'key', seed: createUser().getSeed() },
      { kind: 'password', user: 'admin', password: 'admin secret' },
      { kind: 'password', user: 'cluster_user', password: 'cluster secret' },
      { kind: 'password', user: 'join', password: 'wrong' },
      { kind: 'password', user: publicKeyOf(friend), password: '' },
    ] as const;

    for (const credentials of wrong)
      await expect(NatsClient.open({ server: vault, credentials, inbox: 'guest' })).rejects.toThrow(
        /authorization/i,
      );

    // The key of a peer is a key of that peer, at the nodes that know it, and of nobody else.
    await using friendly = await NatsClient.open({
      server: vault,
      credentials: { kind: 'key', seed: seedOf(friend) },
      inbox: 'friend',
    });
    const { keys } = await copyOf(friendly, 'friend', secret);
    expect(keys).toEqual(expect.arrayContaining(['answer', 'hidden', 'plan']));
    expect(keys.map(String).toSorted()).toEqual(
      [...(await vault.rows('default', 'secret')).keys()].map(String).toSorted(),
    );
    await expect(
      NatsClient.open({
        server: friend,
        credentials: { kind: 'key', seed: seedOf(cluster.guest) },
        inbox: 'guest',
      }),
    ).rejects.toThrow(/authorization/i);
  });
});
