import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { SessionAnswer } from './session-answer.ts';

/** Begins a session: the browser gets a cookie that stands for name and password. */
export const login = defineOperation({
  name: 'login',
  permission: 'stranger',
  request: z.object({ username: z.string().min(1), password: z.string().min(1) }),
  response: messageAnswer,
  async run({ authentication, browser, address = '' }, { username, password }) {
    const { logins, sessions } = authentication;
    if (browser === undefined || sessions === undefined) {
      throw new CodedError(
        'invalid_request',
        'No session for login: sessions are for pages of this address; send an Authorization header instead',
      );
    }
    const user = await logins.login({ username, password, address });
    const session = user && (await sessions.begin(user));
    if (session === undefined) throw new CodedError('unauthenticated', 'invalid credentials');
    if (browser.secret !== undefined) await sessions.end(browser.secret);
    return new SessionAnswer('Login successful', session);
  },
});
