import type { NatsConnection } from '@nats-io/transport-node';
import type * as z from 'zod';
import { encodeToken } from '../model/channel-name.ts';
import { CodedError, messageOf } from '../model/errors.ts';
import type { NodeRow } from '../model/node.ts';
import type { Logger } from '../runtime/logger.ts';
import { isSoon } from '../runtime/is-soon.ts';
import { RunLoop } from '../runtime/run-loop.ts';
import { connectTo } from '../stream/connection.ts';
import { failureText } from '../stream/failure-text.ts';
import { patientRequest } from '../stream/patient-request.ts';
import { StreamPull, type PullPace } from '../stream/stream-pull.ts';
import type { LinkState } from './link-state.ts';
import { maxPulledBytes } from './message-size.ts';
import { NoAnswerError, type Patience, type PeerLink } from './peer-link.ts';
import type { Hello } from './hello.ts';
import { decodeBody, encodeBody } from './message-body.ts';

/** A peer that answered and said no. */
export class RefusedError extends Error {
  readonly code: 'join_refused' | 'name_in_use';

  constructor(code: 'join_refused' | 'name_in_use', reason: string) {
    super(reason);
    this.code = code;
  }
}

export interface LinkOptions {
  readonly selfName: string;
  readonly seed: Uint8Array;
  readonly peer: string;
  /** The row as it is now: address, pinned certificate. */
  readonly node: () => NodeRow | undefined;
  /** Makes both nodes known to each other; writes what it learns to the row. @throws RefusedError */
  readonly join: (node: NodeRow) => Promise<void>;
  /** Exchanges hellos over this link, and resolves to the peer's; rejects when it does not answer. */
  readonly greet: (link: Link) => Promise<Pick<Hello, 'bootId'>>;
  /** The link came up (again) or went down. */
  readonly onChange: () => void;
  readonly log: Logger;
}

/** How often both sides say that they live, ms. */
export const greetingMs = 2_000;
const requestTimeoutMs = 5_000;
/** Greetings tell a dead peer from a slow one; an answer of a megabyte at 64 kbit/s stands before pings for two minutes. */
const maxPingOut = 40;

/**
 * Our own connection to a peer's nats-server, kept up for as long as the peer is a peer.
 *
 * Liveness is an answer of the peer's bridge, not a socket that looks connected: a greeting that stays
 * unanswered, or is answered by another bridge than before, closes the connection with all that was asked over
 * it, and the next round dials again.
 */
export class Link implements PeerLink {
  readonly #options: LinkOptions;
  readonly #loop: RunLoop;
  readonly #inboxPrefix: string;
  #connection: NatsConnection | undefined;
  /** The process of the peer that answers over the connection that is up now. */
  #bootId: string | undefined;
  #state: LinkState = { kind: 'idle' };
  #mustJoin = false;
  /** Rounds that have ended, well or not. */
  #attempts = 0;
  /** Version of the row that the last of them was made for. */
  #attemptedVersion = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#inboxPrefix = `_INBOX_${encodeToken(options.selfName)}`;
    this.#loop = new RunLoop({
      name: `link to ${options.peer}`,
      body: () => this.#round(),
      idleMs: greetingMs,
      backoff: { minMs: 100, maxMs: 2_000 },
      log: options.log,
    });
  }

  get state(): LinkState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#openConnection !== undefined;
  }

  start(): void {
    this.#loop.start();
  }

  /**
   * Tries at once, and whether that has come to an end in time. What is under way may be for a row that was there before: how
   * it ends says nothing of the node as it was added since.
   */
  async hasTried(timeoutMs: number): Promise<boolean> {
    const attemptsBefore = this.#attempts;
    const version = this.#addedVersion;
    this.#loop.wake();
    return isSoon(() => this.#attempts > attemptsBefore && this.#attemptedVersion >= version, timeoutMs);
  }

  async request<T>(
    service: string,
    body: unknown,
    schema: z.ZodType<T>,
    { timeoutMs = requestTimeoutMs, signal }: Patience = {},
  ): Promise<T> {
    const connection = this.#connection;
    if (!connection) throw this.#isDown(service);
    const subject = `svc.${encodeToken(this.#options.selfName)}.${service}`;
    try {
      const answer = await patientRequest(connection, subject, encodeBody(body), timeoutMs, signal);
      return decodeBody(schema, answer.data);
    } catch (cause) {
      if (cause instanceof CodedError) throw cause;
      throw new NoAnswerError(this.#options.peer, service, cause);
    }
  }

  pull(stream: string, consumer: string, delivered: number, pace: PullPace): StreamPull {
    const connection = this.#openConnection;
    if (!connection) throw this.#isDown('a pull');
    return new StreamPull({
      connection,
      inboxPrefix: this.#inboxPrefix,
      channel: stream,
      consumer,
      delivered,
      maxMessages: 500,
      maxBytes: maxPulledBytes,
      ...pace,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#loop[Symbol.asyncDispose]();
    // First, for what is asked over it may wait long for an answer that is on its way.
    await this.#disconnect();
    await ended;
    await this.#disconnect();
    this.#state = { kind: 'idle' };
  }

  get #openConnection(): NatsConnection | undefined {
    return this.#state.kind === 'open' && this.#connection?.isClosed() === false
      ? this.#connection
      : undefined;
  }

  get #addedVersion(): number {
    return this.#options.node()?.addedVersion ?? 0;
  }

  #isDown(service: string): NoAnswerError {
    return new NoAnswerError(this.#options.peer, service, new Error('there is no link to it'));
  }

  async #round(): Promise<boolean> {
    const version = this.#addedVersion;
    try {
      await this.#dial();
      const startedMs = performance.now();
      const { bootId } = await this.#options.greet(this);
      if (this.#connection?.isClosed() !== false) throw this.#isDown('the next greeting');
      if (this.#bootId !== undefined && bootId !== this.#bootId)
        throw new CodedError('unavailable', `${this.#options.peer} has started again`);
      this.#bootId = bootId;
      this.#alive(performance.now() - startedMs);
    } catch (error) {
      await this.#lost(error);
      throw error;
    } finally {
      this.#attempts += 1;
      this.#attemptedVersion = version;
    }
    return false;
  }

  async #dial(): Promise<void> {
    if (this.#connection && !this.#connection.isClosed()) return;
    const node = this.#options.node();
    if (node?.host === undefined || node.port === undefined)
      throw new CodedError('unavailable', `No address of ${this.#options.peer} is known`);
    if (node.certificate === undefined || this.#mustJoin) {
      await this.#options.join(node);
      this.#mustJoin = false;
    }
    const certificate = this.#options.node()?.certificate;
    if (certificate === undefined)
      throw new CodedError('unavailable', `${this.#options.peer} has been removed`);
    let connection: NatsConnection;
    try {
      connection = await connectTo({
        host: node.host,
        port: node.port,
        certificate,
        seed: this.#options.seed,
        inbox: encodeToken(this.#options.selfName),
        name: this.#options.selfName,
        timeoutMs: requestTimeoutMs,
        reconnect: false,
        maxPingOut,
      });
    } catch (error) {
      // The peer has forgotten our key or has another certificate; a join proves both ends again.
      this.#mustJoin = isDistrust(error);
      throw error;
    }
    this.#connection = connection;
    this.#bootId = undefined;
    void connection.closed().then((error) => this.#dropped(connection, error));
  }

  /** nats.js tells no subscription that its connection is gone: who pulls over it hears of it here, before the next dial. */
  #dropped(connection: NatsConnection, error: unknown): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.#closed({
      kind: 'closed',
      reason: error instanceof Error ? error.message : 'the connection was lost',
    });
    this.#loop.wake();
  }

  #alive(latencyMs: number): void {
    const now = Date.now();
    const wasOpen = this.#state.kind === 'open';
    this.#state = {
      kind: 'open',
      sinceMs: this.#state.kind === 'open' ? this.#state.sinceMs : now,
      seenMs: now,
      latencyMs,
    };
    if (!wasOpen) this.#options.onChange();
  }

  async #lost(error: unknown): Promise<void> {
    const ended = this.#disconnect();
    this.#closed(
      error instanceof RefusedError
        ? { kind: 'refused', code: error.code, reason: error.message }
        : { kind: 'closed', reason: failureText(error) },
    );
    await ended;
  }

  #closed(state: Extract<LinkState, { kind: 'closed' | 'refused' }>): void {
    const wasOpen = this.#state.kind === 'open';
    this.#state = state;
    if (wasOpen) this.#options.onChange();
  }

  /** On purpose: nobody is told that it was lost. */
  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close().catch(() => undefined);
  }
}

/** The server is there, but one of the two does not accept who the other is. */
function isDistrust(error: unknown): boolean {
  const text = `${messageOf(error)} ${error instanceof Error ? messageOf(error.cause ?? '') : ''}`;
  return /authorization|authentication|certificate|self[- ]signed|altnames|unable to verify/i.test(text);
}
