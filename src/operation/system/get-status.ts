import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { defineOperation } from '../operation.ts';
import { readStatuses, statusId, statusAnswer } from './status.ts';

/** One status, or all of them. */
export const getStatus = defineOperation({
  name: 'get_status',
  refusalName: 'getStatus',
  permission: 'super_user',
  request: z.object({ id: statusId.optional() }),
  response: z.union([
    statusAnswer,
    z.strictObject({
      systemStatus: z.array(statusAnswer),
      componentStatus: z.array(z.unknown()),
      restartRequired: z.boolean(),
    }),
  ]),
  run({ store }, { id }) {
    const statuses = readStatuses(store);
    if (id === undefined) return { systemStatus: statuses, componentStatus: [], restartRequired: false };
    const status = statuses.find((one) => one['id'] === id);
    if (status === undefined) throw new CodedError('not_found', `Status '${id}' has not been set`);
    return status;
  },
});
