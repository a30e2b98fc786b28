import * as z from 'zod';
import { duration } from '../../config/settings.ts';
import { CodedError } from '../../model/errors.ts';
import { defineOperation } from '../operation.ts';
import { stranger } from './user.ts';

/**
 * An operation token and a refresh token, for a name and password in the body or else for the caller. For a token or a
 * session they last no longer than that.
 */
export const createAuthenticationTokens = defineOperation({
  name: 'create_authentication_tokens',
  permission: 'stranger',
  request: z.object({
    username: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    expires_in: duration.optional(),
    role: z
      .unknown()
      .refine((role) => role === undefined, 'is not supported')
      .meta({ not: {} })
      .optional(),
  }),
  response: z.strictObject({ operation_token: z.string(), refresh_token: z.string() }),
  async run(
    { authentication, user, now, endsAtMs, address = '' },
    { username, password, expires_in: timeoutMs },
  ) {
    const { logins, tokens } = authentication;
    if (timeoutMs !== undefined && timeoutMs > tokens.maxTimeoutMs) {
      throw new CodedError(
        'invalid_request',
        "'expires_in' cannot be longer than the setting authentication.refreshTokenTimeout",
      );
    }
    if (username === undefined && password === undefined) {
      if (user === stranger) throw new CodedError('unauthenticated', 'Must login');
      if (timeoutMs !== undefined && endsAtMs !== undefined && now() + timeoutMs > endsAtMs) {
        throw new CodedError(
          'invalid_request',
          "'expires_in' cannot be longer than what the request logged in with lasts: send name and password",
        );
      }
      return tokens.create(user, timeoutMs, endsAtMs);
    }
    const found =
      username === undefined || password === undefined
        ? undefined
        : await logins.login({ username, password, address });
    if (found === undefined) throw new CodedError('unauthenticated', 'invalid credentials');
    return tokens.create(found, timeoutMs);
  },
});
