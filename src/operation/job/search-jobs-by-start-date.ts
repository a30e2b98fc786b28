import * as z from 'zod';
import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import { withPauses } from '../../runtime/pauses.ts';
import { anyText } from '../field.ts';
import { isoDateMs } from '../iso-date.ts';
import { defineOperation } from '../operation.ts';
import { Rows } from '../rows.ts';
import { jobDescription } from './job-description.ts';
import { jobAnswer, type JobTimes } from './job-row.ts';
import type { Jobs } from './jobs.ts';

const columns = Object.keys(jobDescription.shape);

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
    const found = jobs.all().filter((row) => {
      const beganMs = row.start_datetime ?? row.created_datetime;
      return beganMs >= fromMs && beganMs <= toMs;
    });
    return new Rows(columns, withPauses(answers(jobs, found, now)));
  },
});

/** One after another, while they are sent; those that are forgotten meanwhile are left out. */
function* answers(jobs: Jobs, found: readonly JobTimes[], now: () => number): Generator<Document> {
  for (const { id } of found) {
    const row = jobs.get(id);
    if (row) yield jobAnswer(row, now());
  }
}

function dateOf(name: 'from' | 'to', value: unknown): number {
  if (value === undefined) throw new CodedError('invalid_request', `'${name}_date' is required`);
  const ms = isoDateMs(value);
  if (ms !== undefined) return ms;
  throw new CodedError('invalid_request', `Invalid '${name}' date, must be in ISO-8601 format (YYYY-MM-DD).`);
}
