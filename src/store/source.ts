import type { Change } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import type { Cursor } from './cursors.ts';

/** Whose channel is applied to which table here. */
export interface Source {
  readonly table: Table;
  /** Name and store id of the peer that publishes, and incarnation of its table. */
  readonly peer: string;
  readonly storeId: string;
  readonly incarnation: string;
  /** Changes of this version or older are left out (`start_time`). */
  readonly newerThan: number;
}

/** Versions up to here a start time has left out, before the place or from now on. */
export function leftOut(cursor: Cursor, source: Source): number {
  return Math.max(cursor.newerThan ?? 0, source.newerThan);
}

/** Changes that the start time does not leave out. */
export function newer(
  changes: readonly Change[],
  { newerThan }: Pick<Source, 'newerThan'>,
): readonly Change[] {
  return newerThan === 0 ? changes : changes.filter(({ version }) => version > newerThan);
}
