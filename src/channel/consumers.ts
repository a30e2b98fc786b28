import type { WritableStream } from '../stream/channel-stream.ts';

/**
 * The consumers of a stream, one for each peer that follows it.
 *
 * What a peer may ask of nats-server ends for new questions only: a pull that waits goes on bringing what is published. So a
 * consumer goes before the next message, once its peer may not read any more (invariant 9).
 */
export class Consumers {
  /** All that there may be, by name, each with when the server has it. */
  readonly #known = new Map<string, Promise<void>>();
  /** The stream that was asked for those of an earlier run. */
  #listed: WritableStream | undefined;

  async provide(stream: WritableStream, name: string, sequence: number): Promise<void> {
    const provided = stream.provideConsumer(name, sequence);
    this.#known.set(
      name,
      provided.catch(() => undefined),
    );
    return provided;
  }

  /** Removes all others, by what `names` says then. When this resolves, none of them is there, nor on its way. */
  async keepOnly(stream: WritableStream, names: () => ReadonlySet<string>): Promise<void> {
    if (this.#listed !== stream) {
      for (const name of await stream.consumers())
        if (!this.#known.has(name)) this.#known.set(name, Promise.resolve());
      this.#listed = stream;
    }
    while (await this.#removeSome(stream, names));
  }

  /** False, and nothing has happened since `names` was asked, where there is none to remove. */
  async #removeSome(stream: WritableStream, names: () => ReadonlySet<string>): Promise<boolean> {
    let isSomeRemoved = false;
    let current = names();
    for (const [name, provided] of this.#known) {
      if (current.has(name)) continue;
      await provided;
      await stream.removeConsumer(name);
      if (this.#known.get(name) === provided) this.#known.delete(name);
      isSomeRemoved = true;
      // What was agreed may have changed meanwhile, also for those before it.
      current = names();
    }
    return isSomeRemoved;
  }
}
