import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import * as field from '../field.ts';
import type { Table } from '../../model/table.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { refuseSystemDatabase } from '../permission.ts';
import { requireTable } from '../table-lookup.ts';
import { unlessAway } from './bridge-answer.ts';

const options = z.object({ keep: z.int().min(0).optional(), seq: z.int().min(1).optional() });

/** Trims the log and the stream of a channel; peers that needed what is gone compare their tables instead. */
export const purgeStream = defineOperation({
  name: 'purge_stream',
  refusalName: 'purgeStream',
  permission: 'super_user',
  request: z.object({ schema: field.database, table: field.existingName, options: options.default({}) }),
  response: z.strictObject({ message: z.string(), purged: z.number() }),
  async run(context, { schema, table: name, options: { keep, seq } }) {
    refuseSystemDatabase(schema);
    if (keep !== undefined && seq !== undefined) {
      throw new CodedError('invalid_request', "'options' can have 'keep' or 'seq', not both");
    }
    const table = requireTable(context.store, schema, name);
    const { purged } = await context.store.purgeChannel(
      table,
      seq === undefined ? { keep: keep ?? 0 } : { beforeSeq: seq },
    );
    await purgeStreamOf(context, table);
    return { message: `Successfully purged stream '${schema}:${name}'`, purged };
  },
});

/** Trims the stream as the log of its channel has been trimmed. */
export async function purgeStreamOf(
  { replication }: Pick<OperationContext, 'replication'>,
  { database, name }: Table,
): Promise<void> {
  // The log is trimmed; the stream follows when the replication process is back.
  if (replication) await unlessAway(replication.purge(database, name), undefined);
}
