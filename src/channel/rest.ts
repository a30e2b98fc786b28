import type { Store } from '../store/store.ts';

const restMs = 1_000;
/** Each time that there is still no room the whole backlog has come again. */
const maxRestMs = 60_000;

export interface RestOptions {
  readonly store: Store;
  /** Ms of a clock that nobody sets: what rests must not rest for an hour because the wall clock went back. */
  readonly steadyMs: () => number;
}

/** When a channel asks for nothing, since trying at once would not help. */
export class Rest {
  readonly #options: RestOptions;
  #untilMs = -Infinity;
  /** There was no room in quarantine, so often: it is tried again then, or as soon as there is some. */
  #noRoom: { readonly peer: string; readonly times: number; readonly untilMs: number } | undefined;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /** After a failure. */
  begin(): void {
    this.#noRoom = undefined;
    this.#untilMs = this.#options.steadyMs() + restMs;
  }

  /** There is no room in quarantine for more of that peer: longer each time. */
  beginWithoutRoom(peer: string): void {
    const times = this.#noRoom?.times ?? 0;
    this.begin();
    const untilMs = this.#options.steadyMs() + Math.min(restMs * 2 ** times, maxRestMs);
    this.#noRoom = { peer, times: times + 1, untilMs };
  }

  /** Something was taken in. */
  foundRoom(): void {
    this.#noRoom = undefined;
  }

  isOver(): boolean {
    const { store, steadyMs } = this.#options;
    const now = steadyMs();
    const noRoom = this.#noRoom;
    if (now < this.#untilMs) return false;
    return !noRoom || now >= noRoom.untilMs || store.quarantine.hasRoom(noRoom.peer, 1);
  }
}
