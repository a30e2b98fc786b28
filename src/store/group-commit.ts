interface Waiting {
  readonly body: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Runs what waits for a write transaction in one transaction, and can be held back.
 *
 * One that throws takes nobody with it: all is rolled back, and each of the others runs again by itself. So a body
 * may run twice, and nothing but its last run counts.
 */
export class GroupCommit {
  readonly #transact: <T>(body: () => T) => Promise<T>;
  #waiting: Waiting[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #holds = 0;

  /** @param transact runs a body in a transaction that a throw rolls back; resolves when it is on disk */
  constructor(transact: <T>(body: () => T) => Promise<T>) {
    this.#transact = transact;
  }

  run<T>(body: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ body, resolve, reject });
      if (this.#waiting.length === 1) this.#begin();
    });
  }

  /** Holds back what comes from now on; resolves, when nothing is under way any more, to what lets it go on. */
  async hold(): Promise<() => void> {
    this.#holds += 1;
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    return () => {
      this.#holds -= 1;
      if (this.#waiting.length > 0) this.#begin();
    };
  }

  #begin(): void {
    if (this.#holds > 0) return;
    const commit = this.#commit().finally(() => this.#underWay.delete(commit));
    this.#underWay.add(commit);
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
      else
        await Promise.all(
          group.map(({ body, resolve, reject }) => this.#transact(body).then(resolve as never, reject)),
        );
    }
  }
}
