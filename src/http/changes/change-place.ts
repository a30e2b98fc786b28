/** A place in the changes of a table: in the log of this store, so it survives restarts. */
export interface ChangePlace {
  /** Number of the transaction in the channel; 0 is before the first. */
  readonly seq: number;
  /** How many of its changes are still to come. */
  readonly left: number;
  /** Of the transaction: another one under the same number is another history. */
  readonly transactionId: string;
}

/** The `id` of an event. */
export function eventId({ seq, left, transactionId }: ChangePlace): string {
  return `${seq}.${left}.${transactionId}`;
}

/** Undefined for what no event has ever had as its id. */
export function parseEventId(text: string): ChangePlace | undefined {
  const [, seq, left, transactionId] = /^(\d{1,15})\.(\d{1,15})\.(\S*)$/.exec(text) ?? [];
  if (seq === undefined || left === undefined || transactionId === undefined) return undefined;
  return { seq: Number(seq), left: Number(left), transactionId };
}
