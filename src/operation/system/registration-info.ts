import { totalmem } from 'node:os';
import { z } from 'zod';
import { defineOperation } from '../operation.ts';

/** What clients ask before they show a node; there is no licence to expire. */
export const registrationInfo = defineOperation({
  name: 'registration_info',
  permission: 'any',
  request: z.object({}),
  run({ version }) {
    return {
      registered: true,
      version,
      ram_allocation: Math.floor(totalmem() / 1024 / 1024),
      license_expiration_date: null,
    };
  },
});
