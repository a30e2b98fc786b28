import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';

/** Tries again to apply a transaction of `system.hdb_quarantine`, for instance after an upgrade of this node. */
export const retryQuarantined = defineOperation({
  name: 'retry_quarantined',
  permission: 'super_user',
  request: z.object({ id: field.existingName }),
  response: messageAnswer,
  async run({ store }, { id }) {
    try {
      if ((await store.retryQuarantined(id)) === 'applied') return `quarantined transaction '${id}' applied`;
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'undecodable') throw error;
      throw new CodedError(
        'invalid_request',
        `Quarantined transaction '${id}' still cannot be read: ${error.message}`,
      );
    }
    throw new CodedError(
      'invalid_request',
      `The table of quarantined transaction '${id}' does not exist here`,
    );
  },
});
