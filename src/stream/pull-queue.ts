import type { MessageHead } from './message-head.ts';

export interface PulledMessage {
  readonly head: MessageHead;
  /** Messages behind this one that the stream held when it was sent. */
  readonly pending: number;
  readonly body: Uint8Array;
}

/** `done`: ask again. Anything else is a doubt: the subscriber begins again from its cursor, without the stream if that is stuck. */
export type PullEnd = 'done' | { readonly doubt: string; readonly isStuck?: true };

/** Messages that have arrived, at least one; `quiet` when the server says that it has none now; or how the pull ended. */
export type Pulled = readonly PulledMessage[] | 'quiet' | PullEnd;

/** What a pull has brought and nobody has taken yet, and how it ended. */
export class PullQueue {
  readonly #messages: PulledMessage[] = [];
  #isQuiet = false;
  #end: PullEnd | undefined;
  #wake: (() => void) | undefined;

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  add(message: PulledMessage): void {
    this.#isQuiet = false;
    this.#messages.push(message);
    this.#signal();
  }

  /** The server has nothing more now. */
  quiet(): void {
    this.#isQuiet = true;
    this.#signal();
  }

  /** The first end is the one that counts. */
  finish(end: PullEnd): void {
    this.#end ??= end;
    this.#signal();
  }

  async next(signal: AbortSignal): Promise<Pulled> {
    for (;;) {
      if (this.#messages.length > 0) return this.#messages.splice(0);
      if (this.#end) return this.#end;
      if (this.#isQuiet) {
        this.#isQuiet = false;
        return 'quiet';
      }
      if (signal.aborted) return { doubt: 'stopped' };
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          signal.removeEventListener('abort', finish);
          resolve();
        };
        this.#wake = finish;
        signal.addEventListener('abort', finish, { once: true });
      });
    }
  }

  #signal(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
