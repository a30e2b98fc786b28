import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { channelSubject } from '../model/channel-name.ts';
import { CodedError, messageOf } from '../model/errors.ts';
import { headersOf, parseHead, type MessageHead, type StreamIdentity } from './message-head.ts';

export interface StreamLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

export interface StreamState {
  readonly identity: StreamIdentity | undefined;
  readonly limits: StreamLimits;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly messages: number;
  /** Every sequence between first and last is there. */
  readonly isDense: boolean;
}

/** What a pull may ask, above what ours do (`link.ts`): one that asks for more is refused. */
const pullLimits = { max_batch: 1_000, max_expires: 30_000_000_000 } as const;

const apiErrors = { streamNotFound: 10059, consumerNotFound: 10014, noMessage: 10037 } as const;

/** The stream of one channel, as its only writer sees it: a cache of the change log, never the truth. */
export interface WritableStream {
  readonly channel: string;

  /** undefined when there is no such stream. */
  state(): Promise<StreamState | undefined>;

  create(identity: StreamIdentity, limits: StreamLimits): Promise<void>;

  remove(): Promise<void>;

  /** Head of a stored message; undefined when it is gone or not ours. */
  headAt(sequence: number): Promise<MessageHead | undefined>;

  /**
   * Appends a message as `sequence`.
   *
   * @throws CodedError `stream_unavailable` when the server did not confirm exactly that: the caller reconciles
   */
  publish(head: MessageHead, body: Uint8Array, sequence: number): Promise<void>;

  /** Makes the pull consumer of a peer begin at `sequence`. @throws CodedError `stream_unavailable` */
  provideConsumer(name: string, sequence: number): Promise<void>;

  removeConsumer(name: string): Promise<void>;

  /** Names of its consumers; none when there is no such stream. */
  consumers(): Promise<readonly string[]>;
}

/** A connection to the server that keeps the streams of this node; another object after each reconnect. */
export interface StreamServer {
  isClosed(): boolean;
  /** Names of its streams. */
  list(): Promise<readonly string[]>;
  open(channel: string): Promise<WritableStream>;
}

/** The server at the other end of a connection that may use JetStream. */
export function streamServer(connection: NatsConnection): StreamServer {
  return {
    isClosed: () => connection.isClosed(),
    list: async () => {
      const names: string[] = [];
      for await (const name of (await managerOf(connection)).streams.names()) names.push(name);
      return names;
    },
    open: async (channel) => ChannelStream.open(connection, channel),
  };
}

/** The stream of one channel in the node's own JetStream. */
export class ChannelStream implements WritableStream {
  readonly channel: string;
  readonly #manager: JetStreamManager;
  readonly #client: JetStreamClient;

  private constructor(channel: string, manager: JetStreamManager, client: JetStreamClient) {
    this.channel = channel;
    this.#manager = manager;
    this.#client = client;
  }

  static async open(connection: NatsConnection, channel: string): Promise<ChannelStream> {
    return new ChannelStream(channel, await managerOf(connection), jetstream(connection, { timeout: 5_000 }));
  }

  async state(): Promise<StreamState | undefined> {
    const info = await ifFound(apiErrors.streamNotFound, () => this.#manager.streams.info(this.channel));
    if (!info) return undefined;
    const {
      first_seq: firstSequence,
      last_seq: lastSequence,
      messages,
      num_deleted: deleted,
      lost,
    } = info.state;
    return {
      identity: parseIdentity(info.config.description),
      limits: { maxBytes: info.config.max_bytes, maxAgeMs: info.config.max_age / 1_000_000 },
      firstSequence,
      lastSequence,
      messages,
      isDense: (messages === 0 || messages === lastSequence - firstSequence + 1) && !deleted && !lost,
    };
  }

  async create(identity: StreamIdentity, limits: StreamLimits): Promise<void> {
    await this.#manager.streams.add({
      name: this.channel,
      subjects: [channelSubject(this.channel)],
      description: `${identity.storeId} ${identity.incarnation}`,
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      max_bytes: limits.maxBytes,
      max_age: limits.maxAgeMs * 1_000_000,
      max_consumers: 100_000,
      duplicate_window: 1_000_000_000,
      num_replicas: 1,
    });
  }

  async remove(): Promise<void> {
    await ifFound(apiErrors.streamNotFound, () => this.#manager.streams.delete(this.channel));
  }

  async headAt(sequence: number): Promise<MessageHead | undefined> {
    const message = await ifFound(apiErrors.noMessage, () =>
      this.#manager.streams.getMessage(this.channel, { seq: sequence }),
    );
    return message ? parseHead(message.header) : undefined;
  }

  async publish(head: MessageHead, body: Uint8Array, sequence: number): Promise<void> {
    try {
      const ack = await this.#client.publish(channelSubject(this.channel), body, {
        headers: headersOf(head),
        expect: { lastSequence: sequence - 1, streamName: this.channel },
      });
      if (ack.stream === this.channel && ack.seq === sequence && !ack.duplicate) return;
      throw new Error(`it answered sequence ${ack.seq} of ${ack.stream}`);
    } catch (cause) {
      throw new CodedError(
        'stream_unavailable',
        `Stream ${this.channel} did not confirm sequence ${sequence}`,
        { cause },
      );
    }
  }

  async provideConsumer(name: string, sequence: number): Promise<void> {
    try {
      await this.removeConsumer(name);
      await this.#manager.consumers.add(this.channel, {
        name,
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: sequence,
        inactive_threshold: 60_000_000_000,
        mem_storage: true,
        num_replicas: 1,
        max_deliver: 1,
        max_waiting: 8,
        ...pullLimits,
      });
    } catch (cause) {
      throw new CodedError(
        'stream_unavailable',
        `Stream ${this.channel} took no consumer: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  async removeConsumer(name: string): Promise<void> {
    await ifFound(apiErrors.consumerNotFound, () =>
      ifFound(apiErrors.streamNotFound, () => this.#manager.consumers.delete(this.channel, name)),
    );
  }

  async consumers(): Promise<readonly string[]> {
    const found = await ifFound(apiErrors.streamNotFound, async () => {
      const names: string[] = [];
      for await (const { name } of this.#manager.consumers.list(this.channel)) names.push(name);
      return names;
    });
    return found ?? [];
  }
}

async function managerOf(connection: NatsConnection): Promise<JetStreamManager> {
  return jetstreamManager(connection, { checkAPI: false, timeout: 5_000 });
}

function parseIdentity(description: string | undefined): StreamIdentity | undefined {
  const [storeId, incarnation] = description?.split(' ') ?? [];
  return storeId && incarnation ? { storeId, incarnation } : undefined;
}

async function ifFound<T>(notFound: number, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === notFound) return undefined;
    throw error;
  }
}
