import * as z from 'zod';

/** Ms since 1970, as a number or its text. */
export const timestamp = z
  .unknown()
  .transform((value, context): number => {
    const ms = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof ms === 'number' && Number.isFinite(ms) && ms >= 0) return ms;
    context.addIssue({
      code: 'custom',
      message: value === undefined ? 'is required' : 'must be a number of milliseconds since 1970',
    });
    return z.NEVER;
  })
  .meta({ type: ['number', 'string'] });
