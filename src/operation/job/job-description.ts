import * as z from 'zod';
import { record, timestamps } from '../answer.ts';
import { jobRow } from './job-row.ts';

const { id, type, user, status, message, created_datetime, start_datetime, end_datetime } = jobRow.shape;

/** A job as `get_job` tells it. */
export const jobDescription = z.strictObject({
  id,
  type,
  user,
  status,
  /** A text, or what a refused request would have been answered with. */
  message,
  created_datetime,
  start_datetime,
  end_datetime,
  ...timestamps,
  job_body: z.null(),
  start_datetime_converted: z.string().nullable(),
  end_datetime_converted: z.string().nullable(),
  result: record.optional(),
  progress: z
    .strictObject({
      rows: z.number(),
      bytes: z.number(),
      total_bytes: z.number().nullable(),
      /** Rows per second. */
      rate: z.number(),
      /** Milliseconds that are left. */
      eta: z.number().nullable(),
    })
    .optional(),
});
