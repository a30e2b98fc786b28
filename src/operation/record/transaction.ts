import * as z from 'zod';
import type { WriteStep } from '../../store/writer.ts';
import { canonicalBody } from '../canonical-body.ts';
import * as field from '../field.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import type { Need } from '../permission.ts';
import { requireTable } from '../table-lookup.ts';
import { deleteRequest } from './delete.ts';
import { protectSystemTable } from './system-row.ts';
import { writeAnswer, anyWriteAnswer } from './write-answer.ts';
import { writeNeed } from './write-need.ts';
import { checkWrite, writeRequest } from './write-request.ts';

const step = z.preprocess(
  (value) => (field.isDocument(value) ? canonicalBody(value) : value),
  z.discriminatedUnion(
    'operation',
    [
      z.object({ operation: z.enum(['insert', 'update', 'upsert']), ...writeRequest.shape }),
      z.object({ operation: z.literal('delete'), ...deleteRequest.shape }),
    ],
    { error: `must be an insert, update, upsert or delete` },
  ),
);

const maxSteps = 1_000;

/**
 * Several writes, to one table or several, as one transaction: all or nothing here, and at every node that takes all these
 * tables from one peer and has them copied. One that takes `dog` from A and `cat` from B, or is still copying one of them,
 * shows a part until the others have come. A later step sees what an earlier one did.
 */
export const transaction = defineOperation({
  name: 'transaction',
  permission: ({ operations }) => operations.map(stepNeed),
  request: z.object({ operations: z.array(step).min(1).max(maxSteps) }),
  response: z.strictObject({ message: z.string(), results: z.array(anyWriteAnswer) }),
  async run(context, request) {
    const steps: WriteStep[] = [];
    for (const wanted of request.operations) steps.push(await checkedStep(context, wanted));
    const results = await context.store.transact(steps, context.user.username);
    return {
      message: `transaction of ${steps.length} ${steps.length === 1 ? 'operation' : 'operations'} committed`,
      results: results.map(({ written, skipped }, index) =>
        writeAnswer(request.operations[index]?.operation ?? 'upsert', written, skipped),
      ),
    };
  },
});

function stepNeed(wanted: z.infer<typeof step>): Need {
  if (wanted.operation !== 'delete') return writeNeed(wanted.operation, wanted);
  return { database: wanted.schema, table: wanted.table, rights: ['delete'], attributes: [] };
}

async function checkedStep({ store }: OperationContext, wanted: z.infer<typeof step>): Promise<WriteStep> {
  const table = requireTable(store, wanted.schema, wanted.table, 'to write');
  if (wanted.operation === 'delete') {
    protectSystemTable(table, 'delete');
    return { table, keys: wanted.hash_values };
  }
  const documents = await checkWrite(store, table, wanted.records, wanted.operation);
  return { table, operation: wanted.operation, documents };
}
