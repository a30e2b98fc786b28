import { z } from 'zod';
import * as field from '../field.ts';
import { purgeStreamOf } from '../node/purge-stream.ts';
import { defineOperation } from '../operation.ts';
import { refuseSystemDatabase } from '../permission.ts';
import { requireTable } from '../table-lookup.ts';
import { timestamp } from './timestamp.ts';

/**
 * Shortens the change log of a table, and its stream; a peer that has not read so far compares its table instead.
 */
export const deleteTransactionLogsBefore = defineOperation({
  name: 'delete_transaction_logs_before',
  aliases: ['delete_transaction_log_before'],
  refusalName: 'deleteTransactionLogsBefore',
  permission: 'super_user',
  request: z.object({ schema: field.database, table: field.existingName, timestamp }),
  async run(context, { schema, table: name, timestamp: beforeMs }) {
    const { store, jobs, user } = context;
    refuseSystemDatabase(schema);
    requireTable(store, schema, name);
    return jobs.submit({
      type: 'delete_transaction_logs_before',
      user: user.username,
      body: async () => {
        const table = requireTable(store, schema, name);
        await store.purgeChannel(table, { beforeSeq: store.log.firstSince(table.id, beforeMs) });
        await purgeStreamOf(context, table);
        return undefined;
      },
    });
  },
});
