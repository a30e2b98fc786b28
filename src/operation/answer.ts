import * as z from 'zod';

/*
 * What several operations answer. A schema of an answer tells every field that can be there: they are what clients,
 * the OpenAPI document and `docs/operations.md` go by. Nothing is checked against them while a node runs; the tests
 * check every answer that they get.
 */

/** A sentence and nothing else. */
export const messageAnswer = z.strictObject({ message: z.string() });

/** A job has begun, or waits for its turn. */
export const jobStartedAnswer = z.strictObject({ message: z.string(), job_id: z.string() });

export const key = z.union([z.string(), z.number()]);
export const keys = z.array(key);

/** A record with whatever attributes it has. */
export const record = z.record(z.string(), z.unknown());
export const records = z.array(record);

/** When a row was made and last changed, ms since 1970; fields of an answer that shows it. */
export const timestamps = { __createdtime__: z.number().optional(), __updatedtime__: z.number().optional() };
