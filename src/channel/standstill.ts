/** A channel that is taken from a peer, as it is when the peer greets. */
export interface Fetching {
  readonly channel: string;
  /** Changes with whatever comes; undefined while there is nothing to fetch. */
  readonly place: string | undefined;
  /** It fetches what has gathered, and takes turns with others that do. */
  readonly isBulk: boolean;
}

interface Seen {
  readonly place: string;
  readonly sinceMs: number;
  readonly isBulk: boolean;
}

/**
 * Since when channels of a peer have something to fetch and do not move, by what has come and not by greetings: a peer
 * that answers those may still never answer one kind of question.
 *
 * A channel is not still while the backlog of another one moves: that may have the turn, or bring the other part of a
 * transaction. So it shows at the latest when those backlogs are done.
 */
export class Standstill {
  #seen: ReadonlyMap<string, Seen> = new Map();

  /** Notes where all channels are; called with each greeting. */
  look(channels: readonly Fetching[], nowMs: number): void {
    const isOtherMoving = channels.some(({ channel, place, isBulk }) => {
      const known = this.#seen.get(channel);
      return isBulk && known?.isBulk === true && known.place !== place;
    });
    this.#seen = new Map(
      channels.flatMap(({ channel, place, isBulk }): [string, Seen][] => {
        if (place === undefined) return [];
        const known = this.#seen.get(channel);
        const isStill = known?.place === place && !isOtherMoving;
        return [[channel, { place, isBulk, sinceMs: isStill ? known.sinceMs : nowMs }]];
      }),
    );
  }

  /** The peer was away: nothing could move. */
  forget(): void {
    this.#seen = new Map();
  }

  /** How long a channel has stood still; 0 for one that moves or has nothing to fetch. */
  lastedMs(channel: string, nowMs: number): number {
    const seen = this.#seen.get(channel);
    return seen ? nowMs - seen.sinceMs : 0;
  }
}
