import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { isoDateMs } from '../iso-date.ts';
import { jobDescription } from './job-description.ts';
import { anyText } from '../field.ts';
import { defineOperation } from '../operation.ts';
import { jobAnswer } from './job-row.ts';

/** Jobs that began, or that wait since, between two dates; both count. */
export const searchJobsByStartDate = defineOperation({
  name: 'search_jobs_by_start_date',
  refusalName: 'handleGetJobsByStartDate',
  permission: 'super_user',
  request: z.object({ from_date: anyText, to_date: anyText }),
  response: z.array(jobDescription),
  run({ jobs, now }, request) {
    const fromMs = dateOf('from', request.from_date);
    const toMs = dateOf('to', request.to_date);
    return jobs
      .all()
      .filter((row) => {
        const beganMs = row.start_datetime ?? row.created_datetime;
        return beganMs >= fromMs && beganMs <= toMs;
      })
      .map((row) => jobAnswer(row, now()));
  },
});

function dateOf(name: 'from' | 'to', value: unknown): number {
  if (value === undefined) throw new CodedError('invalid_request', `'${name}_date' is required`);
  const ms = isoDateMs(value);
  if (ms !== undefined) return ms;
  throw new CodedError('invalid_request', `Invalid '${name}' date, must be in ISO-8601 format (YYYY-MM-DD).`);
}
