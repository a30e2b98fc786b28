interface Entry {
  readonly name: string;
  readonly close: () => Promise<void> | void;
}

/**
 * Owns what a `start...()` function has opened and closes it in reverse order.
 *
 * Every close is attempted, one after the other, even when earlier ones failed; the failures are thrown
 * together at the end. Closing twice is closing once. Node 20 has no `AsyncDisposableStack`.
 */
export class Closer implements AsyncDisposable {
  readonly #entries: Entry[] = [];
  #closed: Promise<void> | undefined;

  /**
   * Closes `resource` with this closer, and returns it.
   *
   * @throws when the closer is closed already: the caller still owns the resource then
   */
  own<T extends AsyncDisposable | Disposable>(name: string, resource: T): T {
    this.defer(name, async () => {
      if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
      else resource[Symbol.dispose]();
    });
    return resource;
  }

  /** Calls `close` when this closer closes. */
  defer(name: string, close: () => Promise<void> | void): void {
    if (this.#closed) throw new Error(`Cannot own ${name}: the closer is closed`);
    this.#entries.push({ name, close });
  }

  /** @throws AggregateError of everything that could not be closed, after everything else was closed */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    const failures: Error[] = [];
    for (const { name, close } of this.#entries.reverse()) {
      try {
        await close();
      } catch (cause) {
        failures.push(new Error(`Could not close ${name}`, { cause }));
      }
    }
    if (failures.length > 0) {
      throw new AggregateError(failures, failures.map((failure) => failure.message).join('; '));
    }
  }
}
