import type { Table } from '../model/table.ts';

/** Where a subscriber takes messages of a channel from. */
export interface StreamPlace {
  readonly stream: string;
  readonly consumer: string;
}

/** What the publisher's side of a channel knows of its stream. */
export interface StreamDirectory {
  /** Whether the stream holds everything after `seq`. */
  covers(table: Table, seq: number): boolean;
  /**
   * Gives the peer a consumer that begins with the first transaction after `seq`; undefined when the
   * stream does not hold it.
   */
  provideConsumer(peer: string, table: Table, seq: number): Promise<StreamPlace | undefined>;
}

/** For receivers that are pushed to: no stream. */
export const noStreams: StreamDirectory = {
  covers: () => false,
  provideConsumer: async () => undefined,
};
