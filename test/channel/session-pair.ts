import type { PeerSession } from '../../src/channel/peer-session.ts';
import { DirectLink } from './direct-link.ts';
import { directSession, rowOf, type OwnOptions } from './direct-session.ts';
import type { Replica } from './replica.ts';

/** How a subscriber gets what is published: over its own link, or over that of the publisher. */
export type Way = 'pull' | 'push';

export interface SessionPairOptions {
  readonly publisher: Replica;
  readonly subscriber: Replica;
  readonly way: Way;
  readonly maxBatchBytes?: number;
  /** Of both sessions. */
  readonly own?: OwnOptions;
}

/** What two nodes run for each other, and the link that one of them dials; it is down at first. */
export class SessionPair implements AsyncDisposable {
  readonly link: DirectLink;
  readonly dialling: PeerSession<DirectLink>;
  readonly answering: PeerSession<DirectLink>;
  readonly #near: Replica;
  readonly #far: Replica;

  constructor({ publisher, subscriber, way, maxBatchBytes = 1 << 20, own }: SessionPairOptions) {
    const [near, far] = way === 'pull' ? [subscriber, publisher] : [publisher, subscriber];
    this.#near = near;
    this.#far = far;
    this.link = new DirectLink(near, far, () => this.answering, maxBatchBytes);
    this.dialling = directSession(near, far, this.link, maxBatchBytes, own);
    this.answering = directSession(far, near, this.link, maxBatchBytes, own);
  }

  /** Each takes up what it has agreed on with the other. */
  async meet(): Promise<void> {
    // Without an address there is no link of its own.
    await this.answering.update(rowOf(this.#far, this.#near));
    await this.dialling.update({ ...rowOf(this.#near, this.#far), host: 'there', port: 1 });
  }

  /** The link is up. */
  async heal(): Promise<void> {
    this.link.isOpen = true;
    await this.meet();
    this.dialling.linkChanged();
  }

  /** The link is down. */
  cut(): void {
    this.link.isOpen = false;
    this.dialling.linkChanged();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dialling[Symbol.asyncDispose]();
    await this.answering[Symbol.asyncDispose]();
  }
}
