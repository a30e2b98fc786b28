import { setTimeout } from 'node:timers/promises';
import type * as z from 'zod';
import type { ChannelServer } from '../../src/channel/channel-server.ts';
import type { LinkState } from '../../src/channel/link-state.ts';
import type { PeerLink } from '../../src/channel/peer-link.ts';
import type { PeerSession } from '../../src/channel/peer-session.ts';
import { decodeBody, encodeBody } from '../../src/channel/message-body.ts';
import { applyRequest, channelRequest, type ChannelResponse } from '../../src/channel/protocol.ts';
import type { ChannelPull } from '../../src/stream/stream-pull.ts';
import type { Replica } from './replica.ts';

/**
 * A link to a node of the same process, in the wire encoding, which carries one answer at a time, in the order
 * of the questions, as a connection does.
 */
export class DirectLink implements PeerLink {
  readonly #self: Replica;
  /** What the publisher has sent, in order. */
  readonly carried: ChannelResponse[] = [];
  /** What has gone over it so far: requests, each with its answer, and bytes of both. */
  readonly traffic = { requests: 0, bytes: 0 };
  isOpen = false;
  /** What the way there and back takes. */
  roundTripMs = 0;
  readonly #server: ChannelServer;
  readonly #receiver: () => Pick<PeerSession<DirectLink>, 'push'>;
  #carrying: Promise<unknown> = Promise.resolve();

  /** @param receiver what takes pushes at the far end */
  constructor(
    self: Replica,
    far: Replica,
    receiver: () => Pick<PeerSession<DirectLink>, 'push'>,
    maxBatchBytes: number,
  ) {
    this.#self = self;
    this.#receiver = receiver;
    this.#server = far.server(maxBatchBytes);
  }

  get state(): LinkState {
    return this.isOpen
      ? { kind: 'open', sinceMs: 0, seenMs: 0, latencyMs: 1 }
      : { kind: 'closed', reason: 'closed' };
  }

  start(): void {}

  async request<T>(service: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
    const bytes = encodeBody(body);
    this.traffic.requests += 1;
    this.traffic.bytes += bytes.length;
    if (service === 'apply') {
      const push = decodeBody(applyRequest, bytes);
      if (push.response) this.carried.push(push.response);
      await this.#afterWhatWasSentBefore();
      await setTimeout(this.roundTripMs);
      return this.#arrived(schema, encodeBody(await this.#receiver().push(push)));
    }
    const answer = await this.#server.answer(this.#self.name, decodeBody(channelRequest, bytes));
    this.carried.push(answer);
    await this.#afterWhatWasSentBefore();
    await setTimeout(this.roundTripMs);
    return this.#arrived(schema, encodeBody(answer));
  }

  pull(): ChannelPull {
    throw new Error('There are no streams here');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isOpen = false;
  }

  #arrived<T>(schema: z.ZodType<T>, answer: Uint8Array): T {
    this.traffic.bytes += answer.length;
    return decodeBody(schema, answer);
  }

  async #afterWhatWasSentBefore(): Promise<void> {
    this.#carrying = this.#carrying.then(async () => new Promise(setImmediate));
    await this.#carrying;
  }
}
