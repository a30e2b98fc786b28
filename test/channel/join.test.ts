import { join } from 'node:path';
import { createUser, type KeyPair } from '@nats-io/nkeys';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  JoinServer,
  joinChallenge,
  joinRequest,
  type JoinResult,
  type JoinServerOptions,
} from '../../src/channel/join.ts';
import { decodeBody, encodeBody } from '../../src/channel/message-body.ts';
import { makeProof, makeVerifier, type ScramVerifier } from '../../src/model/scram.ts';
import { fingerprintOf, openNodeKeys } from '../../src/stream/node-keys.ts';
import { TemporaryDirectory } from '../store/test-store.ts';

const user = 'cluster_user';
const password = 'pass word';
const serverKey = createUser().getPublicKey();
const salt = new Uint8Array(16);
/** Few, so that the tests are quick. */
const iterations = 4_096;

interface Challenge {
  readonly serverName: string;
  readonly serverNkey: string;
  readonly nonce: string;
  readonly salt: string;
  readonly iterations: number;
}

/** A server of joins, and what it has done. */
class Scene implements AsyncDisposable {
  readonly server: JoinServer;
  readonly certificate: string;
  readonly admitted: { readonly name: string; readonly nkey: string; readonly addedVersion: number }[] = [];
  readonly failures: string[] = [];
  readonly #directory: TemporaryDirectory;
  outcome: JoinResult | 'admitted' = 'admitted';

  private constructor(directory: TemporaryDirectory, certificate: string, verifier: ScramVerifier) {
    this.#directory = directory;
    this.certificate = certificate;
    const options: JoinServerOptions = {
      selfName: 'cloud',
      publicKey: serverKey,
      certificate,
      user,
      verifier: () => verifier,
      admit: async (joiner) => {
        this.admitted.push(joiner);
        return this.outcome;
      },
      onFailure: (name) => this.failures.push(name),
    };
    this.server = new JoinServer(options);
  }

  static async open(): Promise<Scene> {
    const directory = await TemporaryDirectory.make();
    const { certificate } = await openNodeKeys(join(directory.path, 'keys'), 'cloud');
    return new Scene(directory, certificate, await makeVerifier(password, salt, iterations));
  }

  async ask(body: unknown): Promise<unknown> {
    return this.server.answer(decodeBody(joinRequest, encodeBody(body)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** The messages of a joiner, as on the wire: what `requestJoin` sends, written anew. */
class Joiner {
  readonly keys: KeyPair = createUser();
  readonly first = {
    step: 'first',
    user,
    name: 'edge',
    nkey: this.keys.getPublicKey(),
    nonce: Buffer.from(Array.from({ length: 18 }, (_, index) => index)).toString('base64'),
    addedVersion: 7,
  };

  constructor(changes: Partial<Joiner['first']> = {}) {
    Object.assign(this.first, changes);
  }

  async final(challenge: Challenge, certificate: string, withPassword = password, signer = this.keys) {
    const { first } = this;
    const proven = JSON.stringify([
      first.user,
      first.name,
      first.nkey,
      first.nonce,
      first.addedVersion,
      challenge.serverName,
      challenge.serverNkey,
      challenge.nonce,
      challenge.salt,
      challenge.iterations,
      fingerprintOf(certificate),
    ]);
    const made = await makeProof(withPassword, challenge.salt, challenge.iterations, proven);
    const signature = Buffer.from(signer.sign(Buffer.from(challenge.nonce))).toString('base64');
    return {
      message: { step: 'final', nonce: challenge.nonce, proof: made.proof, signature },
      serverSignature: made.serverSignature,
    };
  }

  async challenge(scene: Scene): Promise<Challenge> {
    return (await scene.ask(this.first)) as Challenge;
  }

  async join(scene: Scene, withPassword = password): Promise<unknown> {
    const { message } = await this.final(await this.challenge(scene), scene.certificate, withPassword);
    return scene.ask(message);
  }
}

const refused = expect.objectContaining({ refused: 'join_refused' }) as unknown;

afterEach(() => void vi.useRealTimers());

test('a node that knows the password is taken in, and the server proves that it knows the verifier', async () => {
  await using scene = await Scene.open();
  const joiner = new Joiner();
  const challenge = await joiner.challenge(scene);

  const { message, serverSignature } = await joiner.final(challenge, scene.certificate);
  const result = await scene.ask(message);

  expect(challenge).toMatchObject({ serverName: 'cloud', serverNkey: serverKey, iterations });
  expect(challenge.nonce.startsWith(joiner.first.nonce)).toBe(true);
  expect(challenge.nonce.length).toBeGreaterThan(joiner.first.nonce.length + 20);
  expect(result).toEqual({ signature: serverSignature });
  expect(scene.admitted).toEqual([{ name: 'edge', nkey: joiner.first.nkey, addedVersion: 7 }]);
  expect(scene.failures).toEqual([]);
});

test('what the admission says is the answer, without the signature of the server', async () => {
  await using scene = await Scene.open();
  scene.outcome = { refused: 'name_in_use', reason: 'taken' };

  expect(await new Joiner().join(scene)).toEqual({ refused: 'name_in_use', reason: 'taken' });
});

describe('a join is refused, and nobody admitted', () => {
  test('whose texts are longer than any of them has to be', async () => {
    await using scene = await Scene.open();
    const joiner = new Joiner();
    const first = {
      step: 'first',
      user,
      name: 'edge',
      nkey: 'U'.repeat(56),
      nonce: 'n'.repeat(24),
      addedVersion: 1,
    };

    for (const field of ['user', 'name', 'nkey', 'nonce'])
      await expect(scene.ask({ ...first, [field]: 'U'.repeat(1_001) })).rejects.toThrow('is not as agreed');
    const challenge = await joiner.challenge(scene);
    for (const field of ['nonce', 'proof', 'signature']) {
      const { message } = await joiner.final(challenge, scene.certificate);
      await expect(scene.ask({ ...message, [field]: 'U'.repeat(2_001) })).rejects.toThrow('is not as agreed');
    }
    expect(scene.admitted).toEqual([]);
  });

  test('with a wrong password', async () => {
    await using scene = await Scene.open();

    expect(await new Joiner().join(scene, 'other')).toEqual(refused);
    expect(scene.admitted).toEqual([]);
    expect(scene.failures).toEqual(['edge']);
  });

  test('of a user that does not exist, with the same words, and a salt as if it did', async () => {
    await using scene = await Scene.open();
    const [one, two] = [new Joiner({ user: 'nobody' }), new Joiner({ user: 'nobody' })];
    const challenges = [await one.challenge(scene), await two.challenge(scene)];

    const { message } = await one.final(challenges[0] as Challenge, scene.certificate);
    const result = await scene.ask(message);

    expect(result).toEqual(await new Joiner().join(scene, 'wrong'));
    expect(challenges[0]?.salt).toBe(challenges[1]?.salt);
    expect(Buffer.from(challenges[0]?.salt ?? '', 'base64')).toHaveLength(16);
    expect(scene.admitted).toEqual([]);
  });

  test('when a final message is sent again', async () => {
    await using scene = await Scene.open();
    const joiner = new Joiner();
    const { message } = await joiner.final(await joiner.challenge(scene), scene.certificate);
    await scene.ask(message);

    expect(await scene.ask(message)).toEqual(refused);
    expect(scene.admitted).toHaveLength(1);
  });

  test('when a final message answers an earlier challenge', async () => {
    await using scene = await Scene.open();
    const joiner = new Joiner();
    const old = await joiner.final(await joiner.challenge(scene), scene.certificate);
    const { nonce } = await joiner.challenge(scene);

    expect(await scene.ask({ ...old.message, nonce })).toEqual(refused);
    expect(scene.admitted).toEqual([]);
  });

  test('through a node in the middle, whose certificate is another one', async () => {
    await using scene = await Scene.open();
    await using middle = await Scene.open();
    const joiner = new Joiner();
    const challenge = await joiner.challenge(scene);

    const { message } = await joiner.final(challenge, middle.certificate);

    expect(await scene.ask(message)).toEqual(refused);
    expect(scene.admitted).toEqual([]);
  });

  test.each(['name', 'nkey', 'user', 'addedVersion'] as const)(
    'when its %s was changed on the way',
    async (field) => {
      await using scene = await Scene.open();
      const joiner = new Joiner();
      const other = createUser().getPublicKey();
      const values = { name: 'evil', nkey: other, user: 'nobody', addedVersion: 8 };
      const challenge = (await scene.ask({ ...joiner.first, [field]: values[field] })) as Challenge;

      const { message } = await joiner.final(challenge, scene.certificate);

      expect(await scene.ask(message)).toEqual(refused);
      expect(scene.admitted).toEqual([]);
    },
  );

  test('without the key that it claims', async () => {
    await using scene = await Scene.open();
    const joiner = new Joiner();

    const { message } = await joiner.final(
      await joiner.challenge(scene),
      scene.certificate,
      password,
      createUser(),
    );

    expect(await scene.ask(message)).toEqual(refused);
    expect(scene.admitted).toEqual([]);
  });

  test.each(['', 'no key', 'SUAIB'])('with %j for a key', async (nkey) => {
    await using scene = await Scene.open();

    expect(await new Joiner({ nkey }).join(scene)).toEqual(refused);
    expect(scene.admitted).toEqual([]);
  });

  test('when it took longer than ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await using scene = await Scene.open();
    const joiner = new Joiner();
    const { message } = await joiner.final(await joiner.challenge(scene), scene.certificate);

    vi.setSystemTime(Date.now() + 10_001);
    const result = await scene.ask(message);

    expect(result).toEqual(refused);
    expect(scene.admitted).toEqual([]);
  });
});

test('each failure under a name makes the next answer slower, and a success ends that', async () => {
  await using scene = await Scene.open();
  const msOf = async (withPassword: string): Promise<number> => {
    const joiner = new Joiner();
    const { message } = await joiner.final(await joiner.challenge(scene), scene.certificate, withPassword);
    const startedAtMs = performance.now();
    await scene.ask(message);
    return performance.now() - startedAtMs;
  };

  const waits = [await msOf('a'), await msOf('b'), await msOf('c')];
  await msOf(password);
  const afterwards = await msOf('d');

  expect(waits[0]).toBeGreaterThanOrEqual(95);
  expect(waits[1]).toBeGreaterThanOrEqual(195);
  expect(waits[2]).toBeGreaterThanOrEqual(395);
  expect(afterwards).toBeLessThan(395);
});

test('half-done joins are bounded: the oldest gives way', async () => {
  await using scene = await Scene.open();
  const joiner = new Joiner();
  const oldest = await joiner.final(await joiner.challenge(scene), scene.certificate);
  const challenges: Challenge[] = [];
  for (let index = 0; index < 64; index += 1) challenges.push(await joiner.challenge(scene));

  const second = await joiner.final(challenges[0] as Challenge, scene.certificate);
  const newest = await joiner.final(challenges[63] as Challenge, scene.certificate);

  expect(await scene.ask(oldest.message)).toEqual(refused);
  expect(await scene.ask(second.message)).toEqual({ signature: second.serverSignature });
  expect(await scene.ask(newest.message)).toEqual({ signature: newest.serverSignature });
});

test.each([
  [{ step: 'first', user, name: '', nkey: 'U', nonce: 'x'.repeat(16), addedVersion: 0 }],
  [{ step: 'first', user, name: 'edge', nkey: 'U', nonce: 'short', addedVersion: 0 }],
  [{ step: 'first', user, name: 'edge', nkey: 'U', nonce: 'x'.repeat(16), addedVersion: -1 }],
  [{ step: 'final', nonce: 'x' }],
  [{ step: 'other' }],
  [null],
])('%j is not a request', async (body) => {
  await using scene = await Scene.open();

  await expect(scene.ask(body)).rejects.toMatchObject({ code: 'undecodable' });
});

test('a node that shows what is no key is not joined: nats-server would take no configuration that has it', async () => {
  await using scene = await Scene.open();
  const challenge = await new Joiner().challenge(scene);

  expect(decodeBody(joinChallenge, encodeBody(challenge))).toEqual(challenge);
  for (const serverNkey of ['', 'U', 'UCLOUD', serverKey.slice(1), `${serverKey}A`, 'U'.repeat(56)])
    expect(() => decodeBody(joinChallenge, encodeBody({ ...challenge, serverNkey }))).toThrow('no key');
});
