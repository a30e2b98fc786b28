import * as z from 'zod';
import { ConfigError } from '../../config/config-error.ts';
import { CodedError } from '../../model/errors.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { requireNode } from './node-control.ts';

/** Fields of the request that are no settings. */
const otherFields = new Set(['operation', 'hdb_user', 'hdbAuthHeader', 'replicated']);

/**
 * Writes settings to the configuration file: `{"operationsApi_network_port": 9925}`. They count from the next start on.
 * A name that means nothing here is passed over, one that is nearly that of a setting is refused, and so is what would not
 * count, since the environment, `.env` or a flag says otherwise.
 */
export const setConfiguration = defineOperation({
  name: 'set_configuration',
  refusalName: 'setConfiguration',
  permission: 'super_user',
  request: z.looseObject({}),
  response: messageAnswer,
  run(context, request) {
    const values = Object.fromEntries(Object.entries(request).filter(([name]) => !otherFields.has(name)));
    try {
      requireNode(context).configuration.set(values);
    } catch (error) {
      if (error instanceof ConfigError)
        throw new CodedError('invalid_request', error.message, { cause: error });
      throw error;
    }
    return 'Configuration successfully set. You must restart HarperDB for new config settings to take effect.';
  },
});
