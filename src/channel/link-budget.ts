const firstBytes = 16 * 1024;
/** A second of 64 kbit/s: behind one answer and another that was asked for ahead, a greeting still comes in time. */
const leastBytes = 8 * 1024;
const mostBytes = 1024 * 1024;
/** An answer that took longer than this was too much for the link; one much faster could have been more. */
const slowMs = 1_000;
const fastMs = 300;
/** Four times as much would still be fast. */
const veryFastMs = fastMs / 4;

/**
 * How much to ask of a publisher at a time: little at first, two or four times as much after each fast answer, half
 * after a slow one. Greetings share the link, and behind half a megabyte at 64 kbit/s they would wait for a minute.
 */
export class LinkBudget {
  #bytes = firstBytes;

  get bytes(): number {
    return this.#bytes;
  }

  /** An answer came after `elapsedMs`. */
  answered(elapsedMs: number): void {
    if (elapsedMs > slowMs) this.#bytes = Math.max(leastBytes, Math.floor(this.#bytes / 2));
    else if (elapsedMs < fastMs)
      this.#bytes = Math.min(mostBytes, this.#bytes * (elapsedMs < veryFastMs ? 4 : 2));
  }

  /** The connection is, or will be, another one, which may carry less. */
  renewed(): void {
    this.#bytes = Math.min(this.#bytes, firstBytes);
  }

  /** None came. */
  lost(): void {
    this.#bytes = leastBytes;
  }
}
