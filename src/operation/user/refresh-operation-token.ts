import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { defineOperation } from '../operation.ts';

/** A new operation token for the refresh token in the body, or else in the `Authorization` header. */
export const refreshOperationToken = defineOperation({
  name: 'refresh_operation_token',
  permission: 'stranger',
  request: z.object({ refresh_token: z.string().optional() }),
  response: z.strictObject({ operation_token: z.string() }),
  async run({ authentication, refreshToken }, { refresh_token: token = refreshToken }) {
    if (token === undefined) throw new CodedError('unauthenticated', 'invalid token');
    return authentication.tokens.refresh(token);
  },
});
