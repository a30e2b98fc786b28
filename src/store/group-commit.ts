interface Waiting {
  readonly body: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Runs what waits for a write transaction in one transaction: one flush for many requests.
 *
 * One that throws takes nobody with it: all is rolled back, and each of the others runs again by itself. So a body
 * may run twice, and nothing but its last run counts.
 */
export class GroupCommit {
  readonly #transact: <T>(body: () => T) => Promise<T>;
  #waiting: Waiting[] = [];

  /** @param transact runs a body in a transaction that a throw rolls back; resolves when it is on disk */
  constructor(transact: <T>(body: () => T) => Promise<T>) {
    this.#transact = transact;
  }

  async run<T>(body: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ body, resolve, reject });
      if (this.#waiting.length === 1) void this.#commit();
    });
  }

  async #commit(): Promise<void> {
    let group: readonly Waiting[] = [];
    let hasRun = false;
    const take = (): void => {
      group = this.#waiting;
      this.#waiting = [];
    };
    try {
      const results = await this.#transact(() => {
        take();
        const values = group.map(({ body }) => body());
        hasRun = true;
        return values;
      });
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as never);
    } catch (error) {
      if (group.length === 0) take();
      if (hasRun || group.length === 1) for (const { reject } of group) reject(error);
      else for (const { body, resolve, reject } of group) this.#transact(body).then(resolve as never, reject);
    }
  }
}
