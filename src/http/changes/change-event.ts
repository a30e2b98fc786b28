import type { Change } from '../../model/change.ts';
import type { Table } from '../../model/table.ts';
import { readablePart } from '../../operation/grants.ts';
import { visibleDocument } from '../../store/records.ts';
import { eventId, type ChangePlace } from './change-place.ts';

/** What a stream tells about itself, beside the changes. */
export type ControlEvent = 'ready' | 'gap' | 'slow' | 'end';

/** A table as one user may read it. */
export interface ReadableTable {
  readonly table: Table;
  /** Undefined: all attributes. */
  readonly attributes: ReadonlySet<string> | undefined;
}

/** A change as a Server-Sent Event; `after` is the place to go on from. */
export function changeEvent(
  { table, attributes }: ReadableTable,
  change: Change,
  after: ChangePlace,
  isCurrent: boolean,
): string {
  const document = visibleDocument(table, { ...change, retained: null });
  const data = {
    operation: change.bytes === null ? 'delete' : 'put',
    database: table.database,
    table: table.name,
    id: change.key,
    version: change.version,
    origin: change.origin.name,
    current: isCurrent,
    record: document === undefined ? null : readablePart(document, attributes),
  };
  return `id: ${eventId(after)}\ndata: ${JSON.stringify(data)}\n\n`;
}

export function controlEvent(
  event: ControlEvent,
  data: Readonly<Record<string, unknown>>,
  place?: ChangePlace,
): string {
  const id = place === undefined ? '' : `id: ${eventId(place)}\n`;
  return `event: ${event}\n${id}data: ${JSON.stringify(data)}\n\n`;
}
