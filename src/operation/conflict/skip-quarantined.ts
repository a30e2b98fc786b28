import * as z from 'zod';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';

/**
 * Gives up a transaction of `system.hdb_quarantine`, which makes room there. One peer may have 1,000 transactions in it, and
 * no more once they take `clustering.maxQuarantineBytes` (64 MiB) together; then its channels wait, and lose nothing. One
 * that is ahead of the clock is refused, with the time at which it applies by itself, as long as its table is taken from
 * that node: what is skipped would come again by a comparison.
 */
export const skipQuarantined = defineOperation({
  name: 'skip_quarantined',
  permission: 'super_user',
  request: z.object({ id: field.existingName }),
  response: messageAnswer,
  async run({ store }, { id }) {
    await store.skipQuarantined(id);
    return `quarantined transaction '${id}' skipped`;
  },
});
