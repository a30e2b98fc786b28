/** What a subscriber that has confirmed a number of a channel still has to fetch, and how long the log keeps it. */
export interface Endurance {
  readonly waiting: {
    readonly transactions: number;
    /** Of changes; undefined while the log still holds entries that were not measured. */
    readonly bytes: number | undefined;
  };
  /** Of the channel; undefined as above. */
  readonly growthBytesPerDay: number | undefined;
  /** How long the subscriber may stay away from now on before it has to copy; 0 when it has to already. */
  readonly mayStayAwayMs: number;
  /** Much less than a subscriber has that lacks nothing. */
  readonly isShort: boolean;
}
