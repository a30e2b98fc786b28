import { maxBatchBytes } from './message-size.ts';

const firstBytes = 16 * 1024;
/** A second of 64 kbit/s: behind one answer and another that was asked for ahead, a greeting still comes in time. */
const leastBytes = 8 * 1024;
const mostBytes = maxBatchBytes;
/** What takes longer than this, beyond the round trip, was too much for the link; what is much faster could have been more. */
const slowMs = 1_000;
const fastMs = 300;
/** Four times as much would still be fast, whatever of it is the round trip. */
const veryFastMs = fastMs / 4;
/** There and back by satellite takes 600 ms: what takes longer than this has waited behind other answers. */
const mostRoundTripMs = 1_000;

/**
 * How much to ask of a publisher at a time: little at first, two or four times as much after each full answer that was
 * fast, half after a slow one. Greetings share the link, and behind half a megabyte at 64 kbit/s they would wait for a
 * minute. What the way alone takes is no reason to ask for little: over a second of it, little is all that would come.
 */
export class LinkBudget {
  #bytes = firstBytes;
  #roundTripMs: number | undefined;

  get bytes(): number {
    return this.#bytes;
  }

  /** An answer that is small, whatever was asked for, came after `elapsedMs`: the least of them is the round trip. */
  met(elapsedMs: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs ?? mostRoundTripMs, elapsedMs);
  }

  /**
   * An answer of so many bytes came after `elapsedMs`.
   *
   * @param hasWaited perhaps, for something to be written: it was not slow
   */
  answered(elapsedMs: number, bytes: number, hasWaited = false): void {
    const carriedMs = elapsedMs - (this.#roundTripMs ?? 0);
    // One that is far from full says nothing of more.
    const isFull = bytes >= this.#bytes / 2;
    if (carriedMs < fastMs && isFull)
      this.#bytes = Math.min(mostBytes, this.#bytes * (elapsedMs < veryFastMs ? 4 : 2));
    else if (carriedMs > slowMs && !hasWaited)
      this.#bytes = Math.max(leastBytes, Math.floor(this.#bytes / 2));
  }

  /** The connection is, or will be, another one, which may carry less. */
  renewed(): void {
    this.#bytes = Math.min(this.#bytes, firstBytes);
    this.#roundTripMs = undefined;
  }

  /** None came. */
  lost(): void {
    this.#bytes = leastBytes;
  }
}
