import { CodedError } from '../../src/model/errors.ts';
import type {
  StreamLimits,
  StreamServer,
  StreamState,
  WritableStream,
} from '../../src/stream/channel-stream.ts';
import type { MessageHead, StreamIdentity } from '../../src/stream/message-head.ts';
import { parseChannelName } from '../../src/model/channel-name.ts';
import type { Store } from '../../src/store/store.ts';
import type { Random } from './random.ts';
import { Violation } from './violation.ts';

export interface StoredMessage {
  readonly sequence: number;
  readonly head: MessageHead;
  readonly body: Uint8Array;
}

interface Consumer {
  next: number;
  /** Messages handed out so far. */
  delivered: number;
}

interface StoredStream {
  identity: StreamIdentity | undefined;
  readonly limits: StreamLimits;
  firstSequence: number;
  lastSequence: number;
  messages: StoredMessage[];
  readonly consumers: Map<string, Consumer>;
}

export const streamFaults = [
  'wiped',
  'truncated',
  'rewound',
  'recreated',
  'purged',
  'head trimmed',
  'hole',
] as const;
export type StreamFault = (typeof streamFaults)[number];

export interface StreamsOptions {
  readonly random: Random;
  /** A subscriber asks for no more than this and a few headers at a time: a larger message would never come. */
  readonly maxMessageBytes: number;
  /** Chance that a publish is stored and its confirmation lost. */
  readonly ackLoss: () => number;
  /** A place where the process that publishes may die. */
  readonly crashPoint: (point: 'before publish' | 'after publish') => void;
  /** A consumer has something to deliver. */
  readonly onMessage: (channel: string) => void;
}

/** The nats-server of a node: keeps its streams over every crash of the node's own processes, and not always truly. */
export class Streams {
  readonly #options: StreamsOptions;
  #streams = new Map<string, StoredStream>();
  readonly #saved = new Map<string, StoredStream>();
  #server: StreamServer;
  #believer: Store | undefined;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.#server = this.#connect();
  }

  get server(): StreamServer {
    return this.#server;
  }

  /** nats-server ends and starts again: consumers were in memory, streams are on disk. */
  restart(): void {
    for (const stream of this.#streams.values()) stream.consumers.clear();
    this.#server = this.#connect();
  }

  damage(channel: string, fault: StreamFault): boolean {
    const stream = this.#streams.get(channel);
    if (!stream) return false;
    const { random } = this.#options;
    const { messages } = stream;
    const before = stream.messages.length;
    switch (fault) {
      case 'wiped':
        this.#streams.delete(channel);
        return true;
      case 'truncated': {
        const kept = messages.slice(0, random.below(messages.length + 1));
        stream.messages = kept;
        stream.lastSequence = kept.at(-1)?.sequence ?? stream.firstSequence - 1;
        break;
      }
      case 'rewound': {
        const saved = this.#saved.get(channel);
        if (saved) this.#streams.set(channel, copyOf(saved));
        return saved !== undefined;
      }
      case 'recreated':
        stream.messages = [];
        stream.firstSequence = 1;
        stream.lastSequence = 0;
        stream.consumers.clear();
        if (random.chance(0.5)) stream.identity = undefined;
        break;
      case 'purged':
        stream.messages = [];
        stream.firstSequence = stream.lastSequence + 1;
        break;
      case 'head trimmed':
        stream.messages = messages.slice(random.below(messages.length + 1));
        stream.firstSequence = stream.messages[0]?.sequence ?? stream.lastSequence + 1;
        break;
      case 'hole':
        if (messages.length < 3) return false;
        stream.messages.splice(random.between(1, messages.length - 1), 1);
        break;
    }
    return stream.messages.length !== before;
  }

  /** What `rewound` goes back to. */
  save(): void {
    for (const [channel, stream] of this.#streams) this.#saved.set(channel, copyOf(stream));
  }

  /** A mutation: whatever a stream holds, the publisher finds what it hopes to find, and so do those who follow it. */
  believe(store: Store): void {
    this.#believer = store;
  }

  #hoped(head: MessageHead, channel: string): MessageHead {
    const name = parseChannelName(channel);
    const table = name && this.#believer?.catalog.table(name.database, name.table);
    if (!table || !this.#believer) return head;
    const { storeId } = this.#believer.identity;
    const last = Math.min(head.last, this.#believer.log.head(table.id).headSeq);
    const lastId = this.#believer.log.idAt(table.id, last) ?? head.lastId;
    return { ...head, storeId, incarnation: table.incarnation, last, lastId };
  }

  hasConsumer(channel: string, name: string): boolean {
    return this.#streams.get(channel)?.consumers.has(name) ?? false;
  }

  /** The next message for a consumer, with its number there and the number of those behind it. */
  take(
    channel: string,
    name: string,
  ): { readonly message: StoredMessage; readonly delivered: number; readonly pending: number } | undefined {
    const stream = this.#streams.get(channel);
    const consumer = stream?.consumers.get(name);
    if (!stream || !consumer) return undefined;
    const found = stream.messages.find(({ sequence }) => sequence >= consumer.next);
    if (!found) return undefined;
    const message = { ...found, head: this.#hoped(found.head, channel) };
    consumer.next = message.sequence + 1;
    consumer.delivered += 1;
    const pending = stream.messages.filter(({ sequence }) => sequence > message.sequence).length;
    return { message, delivered: consumer.delivered, pending };
  }

  /** What a heartbeat says: messages handed out to this consumer. */
  delivered(channel: string, name: string): number {
    return this.#streams.get(channel)?.consumers.get(name)?.delivered ?? 0;
  }

  #connect(): StreamServer {
    const server: StreamServer = {
      isClosed: () => server !== this.#server,
      list: async () => {
        requireOpen(server);
        return [...this.#streams.keys()];
      },
      open: async (channel) => this.#open(server, channel),
    };
    return server;
  }

  #open(server: StreamServer, channel: string): WritableStream {
    const required = (): void => requireOpen(server);
    const found = (): StoredStream => {
      required();
      const stream = this.#streams.get(channel);
      if (!stream) throw new CodedError('stream_unavailable', `There is no stream ${channel}`);
      return stream;
    };
    return {
      channel,
      state: async () => {
        required();
        const stream = this.#streams.get(channel);
        if (!stream) return undefined;
        const state = stateOf(stream);
        return this.#believer && state.identity
          ? { ...state, isDense: true, identity: this.#hoped({ ...noHead, ...state.identity }, channel) }
          : state;
      },
      create: async (identity, limits) => {
        required();
        if (this.#streams.has(channel)) throw new CodedError('stream_unavailable', `${channel} is there`);
        this.#streams.set(channel, {
          identity,
          limits,
          firstSequence: 1,
          lastSequence: 0,
          messages: [],
          consumers: new Map(),
        });
      },
      remove: async () => {
        required();
        this.#streams.delete(channel);
      },
      headAt: async (sequence) => {
        const head = found().messages.find((message) => message.sequence === sequence)?.head;
        return head && this.#hoped(head, channel);
      },
      publish: async (head, body, sequence) => {
        const { maxMessageBytes } = this.#options;
        if (body.length > maxMessageBytes + 200)
          throw new Violation(
            11,
            `${channel} gets a message of ${body.length} bytes, limit ${maxMessageBytes}`,
          );
        this.#options.crashPoint('before publish');
        const stream = found();
        if (stream.lastSequence !== sequence - 1)
          throw new CodedError('stream_unavailable', `wrong last sequence: ${stream.lastSequence}`);
        if (stream.messages.length === 0) stream.firstSequence = sequence;
        stream.lastSequence = sequence;
        stream.messages.push({ sequence, head, body });
        this.#options.onMessage(channel);
        this.#options.crashPoint('after publish');
        if (this.#options.random.chance(this.#options.ackLoss()))
          throw new CodedError('stream_unavailable', `no confirmation of ${sequence}`);
      },
      provideConsumer: async (name, sequence) => {
        found().consumers.set(name, { next: sequence, delivered: 0 });
      },
      removeConsumer: async (name) => {
        required();
        this.#streams.get(channel)?.consumers.delete(name);
      },
      consumers: async () => {
        required();
        return [...(this.#streams.get(channel)?.consumers.keys() ?? [])];
      },
    };
  }
}

const noHead: MessageHead = { storeId: '', incarnation: '', first: 0, last: 0, lastId: '', isPartial: false };

function requireOpen(server: StreamServer): void {
  if (server.isClosed()) throw new CodedError('stream_unavailable', `The connection is closed`);
}

function stateOf(stream: StoredStream): StreamState {
  const { identity, limits, firstSequence, lastSequence, messages } = stream;
  return {
    identity,
    limits,
    firstSequence,
    lastSequence,
    messages: messages.length,
    isDense: messages.length === 0 || messages.length === lastSequence - firstSequence + 1,
  };
}

function copyOf(stream: StoredStream): StoredStream {
  return { ...stream, messages: [...stream.messages], consumers: new Map() };
}
