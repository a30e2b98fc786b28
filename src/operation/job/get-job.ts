import * as z from 'zod';
import * as field from '../field.ts';
import { jobDescription } from './job-description.ts';
import { defineOperation } from '../operation.ts';
import { jobAnswer } from './job-row.ts';

/** What became of a job, as a list of one; of none when nobody knows the id. */
export const getJob = defineOperation({
  name: 'get_job',
  refusalName: 'getJob',
  permission: 'any',
  request: z.object({ id: field.existingName }),
  response: z.array(jobDescription),
  run({ jobs, now }, { id }) {
    const row = jobs.get(id);
    return row === undefined ? [] : [jobAnswer(row, now())];
  },
});
