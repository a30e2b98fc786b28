import { createHmac, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { CodedError } from '../model/errors.ts';
import { checkProof, makeProof, type ScramVerifier } from '../model/scram.ts';
import { connectTo, presentedCertificate, type Address } from '../stream/connection.ts';
import { failureText } from '../stream/failure-text.ts';
import { isPublicKey, isSignedBy, signWith } from '../stream/nkey.ts';
import { fingerprintOf } from '../stream/node-keys.ts';
import { RefusedError } from './link.ts';
import { decodeBody, encodeBody } from './message-body.ts';

/** More than any of these texts needs. Anybody may ask to join, and what he says is kept for some seconds. */
const shortText = z.string().max(1_000);

/** The version of a join that no add_node has asked for: a mark in the protocol, later than every removal. */
export const foundByRoute = Number.MAX_SAFE_INTEGER;

/** Who wants to join, and who is asked; both go into what both sides prove. */
const joinFirst = z.object({
  step: z.literal('first'),
  user: shortText,
  name: z.string().min(1).max(200),
  nkey: shortText,
  nonce: shortText.min(16),
  addedVersion: z.int().nonnegative(),
});
export const joinChallenge = z.object({
  serverName: z.string().min(1).max(200),
  /** It goes into the configuration of the joiner's nats-server. */
  serverNkey: z.string().refine(isPublicKey, 'no key'),
  nonce: shortText,
  salt: shortText,
  iterations: z.int().min(4_096).max(1_000_000),
});
const joinFinal = z.object({
  step: z.literal('final'),
  nonce: shortText.max(2_000),
  proof: shortText,
  signature: shortText,
});
const joinResult = z.union([
  z.object({ signature: z.string() }),
  z.object({
    refused: z.literal('removed'),
    reason: z.string(),
    removedVersion: z.int().nonnegative(),
    /** See {@link removalProof}. */
    proof: z.string().optional(),
  }),
  z.object({ refused: z.enum(['join_refused', 'name_in_use']), reason: z.string() }),
]);

export const joinRequest = z.discriminatedUnion('step', [joinFirst, joinFinal]);
export type JoinRequest = z.infer<typeof joinRequest>;
type JoinFirst = z.infer<typeof joinFirst>;
type JoinChallenge = z.infer<typeof joinChallenge>;
export type JoinResult = z.infer<typeof joinResult>;

/** A node that knows the cluster user has removed this one, later than this node was told to add it. */
export class RemovedError extends RefusedError {
  /** Name of the node that says so. */
  readonly by: string;
  readonly removedVersion: number;

  constructor(by: string, reason: string, removedVersion: number) {
    super('join_refused', reason);
    this.by = by;
    this.removedVersion = removedVersion;
  }
}

/** Whom a node means to join. */
export interface Sought {
  /** Of the row of the node that is expected at the address, or {@link foundByRoute}. */
  readonly addedVersion: number;
  /** That of the row of the node which has said its name, before it is told anything; undefined not to join that one. */
  readonly versionFor: (serverName: string) => number | undefined;
}

export interface JoinerOptions extends Sought {
  readonly user: string;
  readonly password: string;
  readonly selfName: string;
  readonly seed: Uint8Array;
  readonly publicKey: string;
  readonly timeoutMs: number;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

export interface Joined {
  readonly name: string;
  readonly nkey: string;
  /** PEM, to pin. */
  readonly certificate: string;
}

/**
 * Asks the node at an address to become a peer: SCRAM-SHA-256 with the cluster user, both directions,
 * over both names, nkeys, nonces and the server certificate's fingerprint, so that neither a node without
 * the password nor one in the middle can pass. Where this node itself listens, it hears its own name, and has joined nobody.
 *
 * @returns undefined where the node is none to join: it has not taken this one in
 * @throws RefusedError
 */
export async function requestJoin(address: Address, options: JoinerOptions): Promise<Joined | undefined> {
  const { signal } = options;
  const certificate = await presentedCertificate(address, options.timeoutMs, signal);
  const connection = await connectTo({
    ...address,
    certificate,
    inbox: 'join',
    name: 'join',
    timeoutMs: options.timeoutMs,
    reconnect: false,
  });
  // Which ends what is being asked.
  const giveUp = (): void => void connection.close();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    signal?.throwIfAborted();
    const ask = async <T>(body: JoinRequest, schema: z.ZodType<T>): Promise<T> => {
      const answer = await connection
        .request('svc.join', encodeBody(body), { timeout: options.timeoutMs })
        .catch((cause: unknown) => {
          const place = `${address.host}:${address.port}`;
          throw new CodedError('unavailable', `${place} does not let join: ${failureText(cause)}`, { cause });
        });
      return decodeBody(schema, answer.data);
    };
    const begin = async (addedVersion: number): Promise<{ first: JoinFirst; challenge: JoinChallenge }> => {
      const first: JoinFirst = {
        step: 'first',
        user: options.user,
        name: options.selfName,
        nkey: options.publicKey,
        nonce: randomBytes(18).toString('base64'),
        addedVersion,
      };
      const challenge = await ask(first, joinChallenge);
      if (!challenge.nonce.startsWith(first.nonce))
        throw new RefusedError('join_refused', 'the other node did not answer our nonce');
      return { first, challenge };
    };
    let begun = await begin(options.addedVersion);
    const { serverName: name, serverNkey: nkey } = begun.challenge;
    // There is nothing to prove to oneself.
    if (name === options.selfName && nkey === options.publicKey) return { name, nkey, certificate };
    const addedVersion = options.versionFor(name);
    if (addedVersion === undefined) return undefined;
    if (addedVersion !== options.addedVersion) begun = await begin(addedVersion);
    const { first, challenge } = begun;
    if (challenge.serverName !== name || challenge.serverNkey !== nkey)
      throw new RefusedError('join_refused', `the node at that address was '${name}' a moment ago`);
    const authMessage = messageToProve(first, challenge, fingerprintOf(certificate));
    const { proof, serverSignature } = await makeProof(
      options.password,
      challenge.salt,
      challenge.iterations,
      authMessage,
    );
    const signature = signWith(options.seed, challenge.nonce).toString('base64');
    const result = await ask({ step: 'final', nonce: challenge.nonce, proof, signature }, joinResult);
    if ('refused' in result && result.refused !== 'removed')
      throw new RefusedError(result.refused, result.reason);
    const isProven =
      'refused' in result
        ? result.proof === removalProof(serverSignature, result.removedVersion)
        : result.signature === serverSignature;
    if (!isProven)
      throw new RefusedError(
        'join_refused',
        `${challenge.serverName} could not prove that it knows the cluster user '${options.user}'`,
      );
    if ('refused' in result) throw new RemovedError(name, result.reason, result.removedVersion);
    return { name, nkey, certificate };
  } finally {
    signal?.removeEventListener('abort', giveUp);
    await connection.close();
  }
}

/**
 * That the server has removed the joiner at that version, in the answer to this very join and from a node that knows
 * the cluster user: the key is the server's signature, which is not told where a join is refused.
 */
function removalProof(serverSignature: string, removedVersion: number): string {
  const said = JSON.stringify(['removed', removedVersion]);
  return createHmac('sha256', Buffer.from(serverSignature, 'base64')).update(said).digest('base64');
}

export interface JoinServerOptions {
  readonly selfName: string;
  readonly publicKey: string;
  readonly certificate: string;
  readonly user: string;
  readonly verifier: () => ScramVerifier | undefined;
  /** Called once the joiner has proved itself: takes it in, or says why not. Resolves when its key is in force. */
  readonly admit: (joiner: {
    readonly name: string;
    readonly nkey: string;
    readonly addedVersion: number;
  }) => Promise<JoinResult | 'admitted'>;
  readonly onFailure: (name: string) => void;
}

const maxPending = 64;
const pendingMs = 10_000;
const maxDelayMs = 5_000;

/** Answers `svc.join`. Keeps a bounded number of half-done joins, each for a few seconds. */
export class JoinServer {
  readonly #options: JoinServerOptions;
  readonly #pending = new Map<
    string,
    { readonly first: JoinFirst; readonly challenge: JoinChallenge; readonly atMs: number }
  >();
  readonly #failures = new Map<string, number>();
  /** Salt for users that do not exist, so that nobody learns which do. */
  readonly #unknown: ScramVerifier = {
    salt: randomBytes(16).toString('base64'),
    iterations: 15_000,
    storedKey: randomBytes(32).toString('base64'),
    serverKey: randomBytes(32).toString('base64'),
  };

  constructor(options: JoinServerOptions) {
    this.#options = options;
  }

  async answer(request: JoinRequest): Promise<unknown> {
    return request.step === 'first' ? this.#challenge(request) : this.#finish(request);
  }

  #challenge(first: JoinFirst): JoinChallenge {
    const now = Date.now();
    for (const [nonce, { atMs }] of this.#pending)
      if (now - atMs > pendingMs || this.#pending.size >= maxPending) this.#pending.delete(nonce);
    const { salt, iterations } = this.#verifier(first.user);
    const challenge: JoinChallenge = {
      serverName: this.#options.selfName,
      serverNkey: this.#options.publicKey,
      nonce: `${first.nonce}${randomBytes(18).toString('base64')}`,
      salt,
      iterations,
    };
    this.#pending.set(challenge.nonce, { first, challenge, atMs: now });
    return challenge;
  }

  async #finish(final: z.infer<typeof joinFinal>): Promise<JoinResult> {
    const pending = this.#pending.get(final.nonce);
    this.#pending.delete(final.nonce);
    if (!pending || Date.now() - pending.atMs > pendingMs)
      return { refused: 'join_refused', reason: 'the join took too long; try again' };
    const { first, challenge } = pending;
    const authMessage = messageToProve(first, challenge, fingerprintOf(this.#options.certificate));
    const serverSignature = checkProof(this.#verifier(first.user), final.proof, authMessage);
    const holdsKey = isSignedBy(first.nkey, challenge.nonce, Buffer.from(final.signature, 'base64'));
    if (serverSignature === undefined || !holdsKey) return this.#refuse(first.name);
    this.#failures.delete(first.name);
    const admitted = await this.#options.admit({
      name: first.name,
      nkey: first.nkey,
      addedVersion: first.addedVersion,
    });
    if (admitted === 'admitted') return { signature: serverSignature };
    return 'refused' in admitted && admitted.refused === 'removed'
      ? { ...admitted, proof: removalProof(serverSignature, admitted.removedVersion) }
      : admitted;
  }

  /** Wrong password: each failure under a name makes the next answer slower. */
  async #refuse(name: string): Promise<JoinResult> {
    const failures = (this.#failures.get(name) ?? 0) + 1;
    if (this.#failures.size >= maxPending) this.#failures.clear();
    this.#failures.set(name, failures);
    this.#options.onFailure(name);
    await new Promise((resolve) => setTimeout(resolve, Math.min(maxDelayMs, 50 * 2 ** failures)));
    return {
      refused: 'join_refused',
      reason: `${this.#options.selfName} refused the cluster user's name or password (CLUSTERING_USER, CLUSTERING_PASSWORD must be the same on all nodes)`,
    };
  }

  #verifier(user: string): ScramVerifier {
    return (user === this.#options.user ? this.#options.verifier() : undefined) ?? this.#unknown;
  }
}

function messageToProve(first: JoinFirst, challenge: JoinChallenge, fingerprint: string): string {
  return JSON.stringify([
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
    fingerprint,
  ]);
}
