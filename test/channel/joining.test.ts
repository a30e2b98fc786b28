import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import {
  foundByRoute,
  JoinServer,
  joinRequest,
  type Joined,
  type JoinRequest,
  type JoinResult,
  type JoinServerOptions,
  type Sought,
} from '../../src/channel/join.ts';
import { Joining } from '../../src/channel/joining.ts';
import { decodeBody, encodeBody } from '../../src/channel/message-body.ts';
import type { NodeRow } from '../../src/model/node.ts';
import { makeVerifier } from '../../src/model/scram.ts';
import { connectTo } from '../../src/stream/connection.ts';
import { openNodeKeys, type NodeKeys } from '../../src/stream/node-keys.ts';
import { TemporaryDirectory, TestStore } from '../store/test-store.ts';
import { BareServer } from '../stream/bare-server.ts';

const user = 'cluster_user';
const password = 'pass word';
const removedVersion = 20;
const takerKey = createUser().getPublicKey();
const subscription = { database: 'dev', table: 'dog', publish: true, subscribe: true, version: 3 };

/** A node, and whoever answers its joins at the address where it knows the node 'cloud'. */
class Scene implements AsyncDisposable {
  readonly keys: NodeKeys;
  readonly row: NodeRow;
  readonly test: TestStore;
  readonly joining: Joining;
  readonly #owned: readonly AsyncDisposable[];

  private constructor(keys: NodeKeys, port: number, test: TestStore, owned: readonly AsyncDisposable[]) {
    this.keys = keys;
    this.test = test;
    this.#owned = owned;
    this.row = { name: 'cloud', host: '127.0.0.1', port, addedVersion: 10, subscriptions: [subscription] };
    this.joining = new Joining({
      store: test.store,
      keys,
      user,
      password,
      isAlive: () => false,
      onChange: () => undefined,
      sync: async () => undefined,
      log: pino({ level: 'silent' }),
    });
  }

  /** @param answering made with the keys that the node finds at the address */
  static async open(
    answering: (keys: NodeKeys) => Promise<(request: JoinRequest) => Promise<unknown>>,
  ): Promise<Scene> {
    const directory = await TemporaryDirectory.make();
    const keys = await openNodeKeys(join(directory.path, 'keys'), 'cloud');
    const answer = await answering(keys);
    const server = await BareServer.start(keys);
    const { port } = server;
    const connection = await connectTo({
      ...{ host: '127.0.0.1', port, certificate: keys.certificate, timeoutMs: 5_000 },
      ...{ inbox: 'cloud', name: 'cloud', reconnect: false },
    });
    connection.subscribe('svc.join', {
      callback: (_, message) => {
        void answer(decodeBody(joinRequest, message.data)).then((body) => message.respond(encodeBody(body)));
      },
    });
    await connection.flush();
    const store = await TestStore.open({ nodeName: 'edge' });
    const scene = new Scene(keys, port, store, [store, server, directory]);
    await store.store.nodes.put(scene.row);
    return scene;
  }

  get known(): NodeRow | undefined {
    return this.test.store.nodes.get('cloud');
  }

  join(): Promise<void> {
    return this.joining.joinNode(this.row);
  }

  /** As a route finds it. */
  find(sought: Sought): Promise<Joined | undefined> {
    const { port = 0 } = this.row;
    return this.joining.join({ host: '127.0.0.1', port, timeoutMs: 5_000, ...sought });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const owned of this.#owned) await owned[Symbol.asyncDispose]();
  }
}

/** A node that knows the cluster user. */
async function knower(
  { publicKey, certificate }: NodeKeys,
  selfName: string,
  admit: JoinServerOptions['admit'],
): Promise<JoinServer> {
  const verifier = await makeVerifier(password, new Uint8Array(16), 4_096);
  const onFailure = (): void => undefined;
  return new JoinServer({
    selfName,
    publicKey,
    certificate,
    user,
    verifier: () => verifier,
    admit,
    onFailure,
  });
}

/** One that has removed who joins. */
async function remover(
  keys: NodeKeys,
  selfName = 'cloud',
  meanwhile?: () => Promise<unknown>,
): Promise<JoinServer> {
  return knower(keys, selfName, async () => {
    await meanwhile?.();
    return { refused: 'removed', reason: 'it was removed', removedVersion };
  });
}

/** A node that finds one of that name, which takes in whoever knows the password. */
async function openTaking(
  name: string,
  meanwhile?: () => Promise<unknown>,
): Promise<{ readonly scene: Scene; readonly taken: { readonly addedVersion: number }[] }> {
  const taken: { readonly addedVersion: number }[] = [];
  const scene = await Scene.open(async (keys) => {
    const server = await knower({ ...keys, publicKey: takerKey }, name, async (joiner) => {
      taken.push(joiner);
      await meanwhile?.();
      return 'admitted';
    });
    return (request) => server.answer(request);
  });
  return { scene, taken };
}

test('a node that has removed this one, and proves it, is forgotten here', async () => {
  await using scene = await Scene.open(async (keys) => {
    const server = await remover(keys);
    return (request) => server.answer(request);
  });

  await expect(scene.join()).rejects.toThrow('it was removed');

  expect(scene.known).toEqual({ ...scene.row, subscriptions: [], removedVersion });
});

test('a node that was added again, later than the other has removed this one, is not forgotten', async () => {
  const again = { addedVersion: removedVersion + 1 };
  await using scene = await Scene.open(async (keys) => {
    const server = await remover(keys, 'cloud', async () =>
      scene.test.store.nodes.put({ ...scene.row, ...again }),
    );
    return (request) => server.answer(request);
  });

  await expect(scene.join()).rejects.toThrow('it was removed');

  expect(scene.known).toEqual({ ...scene.row, ...again });
});

test.each([
  { what: 'given another address', change: { host: 'elsewhere.local' } },
  { what: 'removed', change: { subscriptions: [], removedVersion } },
])('a node that is $what while it is joined does not get the key of who was there', async ({ change }) => {
  const { scene } = await openTaking('cloud', () => scene.test.store.nodes.put({ ...scene.row, ...change }));
  await using _ = scene;

  await scene.join();

  expect(scene.known).toEqual({ ...scene.row, ...change });
});

test('a node that was found under an address is not asked to take this one in where it is not the one that was named', async () => {
  const { scene, taken } = await openTaking('other');
  await using _ = scene;

  await expect(scene.join()).rejects.toThrow("is 'other', not 'cloud'");

  expect(taken).toEqual([]);
  expect(scene.known).toEqual(scene.row);
});

test('a node that a route finds is asked by the version that its name has here, or not at all', async () => {
  const { scene, taken } = await openTaking('cloud');
  await using _ = scene;

  const found: string[] = [];
  const sought = (version: number | undefined): Sought => ({
    addedVersion: foundByRoute,
    versionFor: (name) => {
      found.push(name);
      return version;
    },
  });

  expect(await scene.find(sought(undefined))).toBeUndefined();
  expect(taken).toEqual([]);
  for (const version of [7, foundByRoute])
    expect(await scene.find(sought(version))).toMatchObject({
      name: 'cloud',
      nkey: takerKey,
    });

  expect(found).toEqual(['cloud', 'cloud', 'cloud']);
  expect(taken.map(({ addedVersion }) => addedVersion)).toEqual([7, foundByRoute]);
});

test('a node that has removed this one is forgotten here also where a route has found it', async () => {
  await using scene = await Scene.open(async (keys) => {
    const server = await remover(keys);
    return (request) => server.answer(request);
  });

  await expect(scene.find({ addedVersion: foundByRoute, versionFor: () => 10 })).rejects.toThrow(
    'it was removed',
  );

  expect(scene.known).toEqual({ ...scene.row, subscriptions: [], removedVersion });
});

/** What somebody says who does not know the password, or changes the words of who does. */
const liars: Record<string, (keys: NodeKeys) => Promise<(request: JoinRequest) => Promise<unknown>>> = {
  async 'who does not know the password'({ publicKey: serverNkey }) {
    return async (request) =>
      request.step === 'first'
        ? { serverName: 'cloud', serverNkey, nonce: `${request.nonce}x`, salt: 'AAAA', iterations: 4_096 }
        : { refused: 'removed', reason: '', removedVersion, proof: 'AAAA' };
  },
  async 'whose words are another version by now'(keys) {
    const server = await remover(keys);
    return async (request) => {
      const answer = (await server.answer(request)) as JoinResult;
      return 'refused' in answer ? { ...answer, removedVersion: removedVersion + 1 } : answer;
    };
  },
  async 'whose proof is that of another join'(keys) {
    const server = await remover(keys);
    let former: unknown;
    return async (request) => {
      const answer = await server.answer(request);
      if (request.step === 'first') return answer;
      const told = former ?? { refused: 'join_refused', reason: 'not yet' };
      former ??= answer;
      return told;
    };
  },
  async 'whose words are those of another node'(keys) {
    const server = await remover(keys, 'other');
    return (request) => server.answer(request);
  },
};

test.each(Object.keys(liars))('a node is not forgotten for the word of one %s', async (liar) => {
  await using scene = await Scene.open(liars[liar] ?? expect.fail('there is no such liar'));

  for (let attempt = 0; attempt < 2; attempt += 1) {
    await expect(scene.join()).rejects.toThrow(/could not prove|not yet|is 'other', not 'cloud'/);

    expect(scene.known).toEqual(scene.row);
  }
});
