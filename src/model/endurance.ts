/** What a subscriber that has confirmed a number of a channel still has to fetch, and how long the log keeps it. */
export interface Endurance {
  readonly waiting: {
    readonly transactions: number;
    /** Of changes; undefined while the log still holds entries that were not measured. */
    readonly bytes: number | undefined;
  };
  /** Of the channel; undefined as above. */
  readonly growthBytesPerDay: number | undefined;
  /** How long the subscriber may stay away from now on before it may have to copy. */
  readonly mayStayAwayMs: number;
  /** `short`: much less time than a subscriber has that lacks nothing. `overtaken`: it has to copy already. */
  readonly state: 'enough' | 'short' | 'overtaken';
}
