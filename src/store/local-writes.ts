/** A peer's transactions are applied in commits of so much work while nobody writes here; see {@link LocalWrites}. */
const quietCommitMs = 80;
const busyCommitMs = 5;
const stepMs = 10;
/** Whoever has written just now is likely to write again. */
const recentMs = 1_000;

/**
 * How long a commit that applies a peer's transactions may hold up the writes of this node's clients.
 *
 * Both take the one writer lock of the environment, and large commits apply several times as fast as small ones:
 * they are large while nobody writes, and small for a while after somebody did. The first writer after a silence
 * may meet a large one, so those are bounded too. What several peers publish is applied in one transaction where it
 * waits together: it shares what one may take.
 */
export class LocalWrites {
  readonly #steadyMs: () => number;
  readonly #onWrite: () => void;
  #latestMs = -Infinity;
  #applying = 0;

  /**
   * @param steadyMs a clock that nobody sets
   * @param onWrite told of each write of this process
   */
  constructor(steadyMs: () => number, onWrite: () => void = () => {}) {
    this.#steadyMs = steadyMs;
    this.#onWrite = onWrite;
  }

  /** A client is about to write in this process. */
  begin(): void {
    this.noticed();
    this.#onWrite();
  }

  /** Somebody writes: this process, or the other one, as its hint says. */
  noticed(): void {
    this.#latestMs = this.#steadyMs();
  }

  get areRecent(): boolean {
    return this.#steadyMs() - this.#latestMs < recentMs;
  }

  /** How many have something to apply now: each commits by and by, and may meet the others in every commit. */
  get applying(): number {
    return this.#applying;
  }

  /** Runs what applies something of a peer, in one commit or in many. */
  async whileApplying<T>(apply: () => Promise<T>): Promise<T> {
    this.#applying += 1;
    try {
      return await apply();
    } finally {
      this.#applying -= 1;
    }
  }

  /** Whether a commit that begins now has done enough: ask after each transaction. */
  commitLimit(): () => boolean {
    const wholeMs = this.areRecent ? busyCommitMs : quietCommitMs;
    return this.#after(wholeMs / Math.max(1, this.#applying));
  }

  /** The same for a step of work that may wait. */
  stepLimit(): () => boolean {
    return this.#after(stepMs);
  }

  #after(ms: number): () => boolean {
    const endMs = this.#steadyMs() + ms;
    return () => this.#steadyMs() >= endMs;
  }
}
