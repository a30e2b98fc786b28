import * as z from 'zod';
import type { Document } from '../../model/change.ts';

export const jobsTable = 'hdb_job';

/** How far a job has come. `totalBytes` is null when nobody knows how much there is. */
export interface JobProgress {
  readonly rows: number;
  readonly bytes: number;
  readonly totalBytes: number | null;
}

const progress = z.object({ rows: z.number(), bytes: z.number(), totalBytes: z.number().nullable() });

/** A row of `system.hdb_job`. */
export const jobRow = z.object({
  id: z.string(),
  type: z.string(),
  user: z.string(),
  status: z.enum(['CREATED', 'IN_PROGRESS', 'COMPLETE', 'ERROR']),
  message: z.unknown(),
  result: z.unknown().optional(),
  progress: progress.optional(),
  /** What the job leaves behind when the process is killed. */
  scratch_file: z.string().optional(),
  created_datetime: z.number(),
  start_datetime: z.number().nullable(),
  end_datetime: z.number().nullable(),
  __createdtime__: z.number().optional(),
  __updatedtime__: z.number().optional(),
});

export type JobRow = z.infer<typeof jobRow>;

/** When a job came, began and ended. */
export type JobTimes = Pick<JobRow, 'id' | 'status' | 'created_datetime' | 'start_datetime' | 'end_datetime'>;

/** A job as `get_job` shows it. */
export function jobAnswer(row: JobRow, nowMs: number): Document {
  const { progress: reached, result, scratch_file: _ours, ...told } = row;
  return {
    ...told,
    job_body: null,
    start_datetime_converted: converted(row.start_datetime),
    end_datetime_converted: converted(row.end_datetime),
    ...(result === undefined ? {} : { result }),
    ...(reached === undefined ? {} : { progress: progressAnswer(row, reached, nowMs) }),
  };
}

/** `rate` is rows per second since the start; `eta` the milliseconds that are left, null when nobody can tell. */
function progressAnswer(row: JobRow, { rows, bytes, totalBytes }: JobProgress, nowMs: number): Document {
  const elapsedMs = Math.max(1, (row.end_datetime ?? nowMs) - (row.start_datetime ?? nowMs));
  const canTell = row.status === 'IN_PROGRESS' && totalBytes !== null && bytes > 0;
  return {
    rows,
    bytes,
    total_bytes: totalBytes,
    rate: Math.round((rows * 1_000) / elapsedMs),
    eta: canTell ? Math.round((elapsedMs * Math.max(0, totalBytes - bytes)) / bytes) : null,
  };
}

function converted(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
