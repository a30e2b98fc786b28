import type { Stop } from '../store/applier.ts';
import type { Source } from '../store/source.ts';
import type { Store } from '../store/store.ts';
import { inRealTime, type Later } from '../runtime/later.ts';
import type { Arrived, ReceiverState } from './receiver-state.ts';

export interface AwaitedBodyOptions {
  readonly store: Store;
  /** How long it may take by another link; after that whoever showed the stub is asked for it. */
  readonly relayWaitMs: number;
  readonly steadyMs: () => number;
  readonly later?: Later;
}

type Awaiting = Extract<ReceiverState, { kind: 'awaiting-body' }>;

/** One wait for bodies, and between two looks for one that nobody here has said he applied. */
const waitMs = 500;
const lookMs = 20;

/** The body of a transaction that came as a stub: it is expected by the link to its origin. */
export class AwaitedBody {
  readonly #options: AwaitedBodyOptions;

  constructor(options: AwaitedBodyOptions) {
    this.#options = options;
  }

  /**
   * @param before in which the stub came, also once more
   * @param behind what came from it on
   */
  expect(
    before: ReceiverState,
    source: Source,
    { storeId, place }: Extract<Stop, { kind: 'stub' }>,
    behind: Arrived,
  ): Awaiting {
    const { steadyMs, relayWaitMs } = this.#options;
    const isSame =
      before.kind === 'awaiting-body' &&
      before.storeId === storeId &&
      before.place.incarnation === place.incarnation &&
      before.place.seq === place.seq;
    const untilMs = isSame ? before.untilMs : steadyMs() + relayWaitMs;
    return { kind: 'awaiting-body', source, storeId, place, untilMs, behind };
  }

  /** It has not come by the other link in time. */
  isOverdue({ untilMs }: Awaiting): boolean {
    return this.#options.steadyMs() >= untilMs;
  }

  /**
   * A moment in which it, and the bodies after it, are waited for: a question before they are here would bring the stub
   * again. `next` tells the wait whose body is here.
   *
   * @param state the receiver's, now
   */
  aMoment(state: () => ReceiverState, signal?: AbortSignal): { next(): Promise<Awaiting | undefined> } {
    const { store, later = inRealTime, steadyMs } = this.#options;
    const endMs = steadyMs() + waitMs;
    // Also while one body comes after the other: whoever pushes waits for an answer.
    const isOver = (): boolean => steadyMs() >= endMs || signal?.aborted === true;
    return {
      next: async () => {
        while (this.#isAway(state()) && !isOver()) await store.applied.wait(later, lookMs);
        const now = state();
        return !isOver() && now.kind === 'awaiting-body' && this.#isHere(now) ? now : undefined;
      },
    };
  }

  #isAway(state: ReceiverState): boolean {
    return state.kind === 'awaiting-body' && !this.isOverdue(state) && !this.#isHere(state);
  }

  #isHere({ source, storeId, place }: Awaiting): boolean {
    return this.#options.store.marks.get(source.table.id, storeId, place.incarnation) >= place.seq;
  }
}
