import { totalmem } from 'node:os';
import * as z from 'zod';
import { defineOperation } from '../operation.ts';

/** What clients ask before they show a node; there is no licence to expire. */
export const registrationInfo = defineOperation({
  name: 'registration_info',
  permission: 'any',
  request: z.object({}),
  response: z.strictObject({
    registered: z.boolean(),
    version: z.string(),
    /** MiB. */
    ram_allocation: z.number(),
    license_expiration_date: z.string().nullable(),
  }),
  run({ version }) {
    return {
      registered: true,
      version,
      ram_allocation: Math.floor(totalmem() / 1024 / 1024),
      license_expiration_date: null,
    };
  },
});
