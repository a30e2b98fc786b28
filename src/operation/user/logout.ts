import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { SessionAnswer } from './session-answer.ts';

/** Ends the session that the request came with. */
export const logout = defineOperation({
  name: 'logout',
  permission: 'stranger',
  request: z.object({}),
  response: messageAnswer,
  async run({ authentication: { sessions }, browser }) {
    if (browser === undefined || sessions === undefined)
      throw new CodedError('invalid_request', 'No session for logout');
    if (browser.secret !== undefined) await sessions.end(browser.secret);
    return new SessionAnswer('Logout successful', undefined);
  },
});
