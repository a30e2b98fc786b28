/** What a channel that is behind wants to carry: what was written since, or the rows from before. */
export type Bulk = 'catch-up' | 'copy';

/** The right of one channel to carry much, once. */
export interface Turn extends Disposable {
  /** So much of it has come or gone. */
  carried(bytes: number): void;

  /** All of it is here: the link is free for the next, while this is being applied. */
  arrived(): void;
}

export interface TurnsOptions {
  /** Of a channel, as it is now. */
  readonly priorityOf: (channel: string) => number;
  /** Nothing more is asked for while so much of the same rank or above has arrived and is not applied. */
  readonly maxHeldBytes: number;
}

interface Ranked {
  readonly channel: string;
  readonly bulk: Bulk;
}

interface Waiting extends Ranked {
  /** Where the turns of the others were when it asked. */
  readonly since: number;
  readonly grant: (running: Running) => void;
}

interface Running extends Ranked {
  readonly begin: number;
  stage: 'carrying' | 'arrived';
  bytes: number;
}

/**
 * Whose backlog goes next over the link to one peer, in one direction.
 *
 * One turn at a time is carried. A higher rank (priority, then what was written since before what is copied)
 * goes first, and does not wait for a turn of a lower one that is under way. A channel that has more asks again
 * before it ends its turn: else one of a lower rank would come in between. Channels of one rank share by
 * bytes: each turn begins where the channel's last one ended, counted from the turns of the others, so one
 * that was quiet for long does not make up for it. Who has no backlog needs no turn.
 *
 * A channel that waits for a part of a transaction which another channel has to bring steps aside, and lends
 * its rank to all meanwhile: neither it nor others of its rank may keep that channel waiting. To all, because
 * nobody knows for which further parts that channel will have to wait.
 */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #waiting: Waiting[] = [];
  readonly #running = new Set<Running>();
  readonly #aside = new Set<{ readonly channel: string }>();
  /** Where the last turn of a channel ended. */
  readonly #ends = new Map<string, number>();
  #latestBegin = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Resolves when it is the channel's turn, which lasts until it is disposed; rejects when the signal aborts. */
  async take(channel: string, bulk: Bulk, signal: AbortSignal): Promise<Turn> {
    signal.throwIfAborted();
    const running = await new Promise<Running>((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        channel,
        bulk,
        since: this.#latestBegin,
        grant: (granted) => {
          signal.removeEventListener('abort', giveUp);
          resolve(granted);
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(waiting);
      this.#next();
    });
    return this.#turnOf(running);
  }

  /** The channel waits for others until this is disposed, in the middle of its turn or without one. */
  stepAside(channel: string): Disposable {
    const wait = { channel };
    this.#aside.add(wait);
    this.#next();
    return {
      [Symbol.dispose]: () => {
        if (this.#aside.delete(wait)) this.#next();
      },
    };
  }

  /** Some channel has a backlog. */
  get areWanted(): boolean {
    return this.#running.size > 0 || this.#waiting.length > 0;
  }

  /** The channel has its turn, or will have it. */
  isComing(channel: string): boolean {
    return [...this.#running, ...this.#waiting].some((one) => one.channel === channel);
  }

  #turnOf(running: Running): Turn {
    return {
      carried: (bytes) => {
        running.bytes += bytes;
      },
      arrived: () => {
        running.stage = 'arrived';
        this.#next();
      },
      [Symbol.dispose]: () => {
        if (!this.#running.delete(running)) return;
        this.#ends.set(running.channel, running.begin + running.bytes);
        this.#next();
      },
    };
  }

  #next(): void {
    for (;;) {
      const aside = new Set([...this.#aside].map(({ channel }) => channel));
      const lent = Math.max(-1, ...[...aside].map((channel) => this.#rank({ channel, bulk: 'catch-up' })));
      const rankOf = (one: Ranked): number => Math.max(lent, this.#rank(one));
      const first = this.#foremost(rankOf);
      if (!first) return;
      const rank = rankOf(first);
      const inTheWay = [...this.#running].filter(
        (running) => !aside.has(running.channel) && rankOf(running) >= rank,
      );
      // One above may have more as soon as what it brought is applied.
      if (inTheWay.some((one) => one.stage === 'carrying' || rankOf(one) > rank)) return;
      if (inTheWay.reduce((sum, { bytes }) => sum + bytes, 0) >= this.#options.maxHeldBytes) return;
      this.#waiting.splice(this.#waiting.indexOf(first), 1);
      const { channel, bulk } = first;
      const running: Running = { channel, bulk, begin: this.#beginOf(first), stage: 'carrying', bytes: 0 };
      this.#latestBegin = Math.max(this.#latestBegin, running.begin);
      this.#running.add(running);
      first.grant(running);
    }
  }

  /** Of those who wait, with one look at each: there may be hundreds, and it is asked several times in each turn. */
  #foremost(rankOf: (one: Ranked) => number): Waiting | undefined {
    let first: { readonly waiting: Waiting; readonly rank: number; readonly begin: number } | undefined;
    for (const waiting of this.#waiting) {
      const rank = rankOf(waiting);
      const begin = this.#beginOf(waiting);
      if (!first || rank > first.rank || (rank === first.rank && begin < first.begin))
        first = { waiting, rank, begin };
    }
    return first?.waiting;
  }

  #beginOf({ channel, since }: Waiting): number {
    return Math.max(since, this.#ends.get(channel) ?? 0);
  }

  #rank({ channel, bulk }: Ranked): number {
    return this.#options.priorityOf(channel) * 2 + (bulk === 'catch-up' ? 1 : 0);
  }
}
