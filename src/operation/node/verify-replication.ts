import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import type { VerifiedTable } from '../../model/replication-control.ts';
import * as field from '../field.ts';
import { keys } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { requireTable } from '../table-lookup.ts';
import { requireReplication } from './known-nodes.ts';
import { withoutUndefined } from './without-undefined.ts';

const defaultTimeoutMs = 60_000;

const verificationAnswer = z.strictObject({
  schema: z.string(),
  table: z.string(),
  nodes: z.array(
    z.strictObject({
      node: z.string(),
      outcome: z.enum(['identical', 'repaired', 'unfinished']),
      reason: z.string().optional(),
      compared_by: z.string(),
      identical_as_of: z.string().optional(),
      rows: z.number().optional(),
      repaired: z.number().optional(),
      repaired_hashes: keys.optional(),
      only_at_subscriber: z.number().optional(),
    }),
  ),
});

/**
 * Compares a table with every node that it is shared with (or one), here or, where that is the subscriber, there; repairs
 * what differs, and says as of when the two are identical: all that the publisher had then is at the subscriber as it is
 * there, or newer. Records that only the subscriber has are counted, and left: of a table that both publish the other half is
 * what `verify_replication` of the other node answers.
 */
export const verifyReplication = defineOperation({
  name: 'verify_replication',
  permission: 'super_user',
  request: z.object({
    schema: field.database,
    table: field.existingName,
    node: z.string().optional(),
    timeout: z.int().positive().max(110_000).default(defaultTimeoutMs),
  }),
  response: verificationAnswer,
  async run(context, { schema, table: name, node, timeout }) {
    const replication = requireReplication(context);
    requireTable(context.store, schema, name);
    const results = await replication.verify(schema, name, node, timeout);
    if (results.length === 0)
      throw new CodedError(
        'invalid_request',
        `'${schema}.${name}' is not shared with ${node === undefined ? 'any node' : `'${node}'`}`,
      );
    return { schema, table: name, nodes: results.map(told) };
  },
});

function told(result: VerifiedTable): Readonly<Record<string, unknown>> {
  return withoutUndefined({
    node: result.node,
    outcome: result.outcome,
    reason: result.reason,
    compared_by: result.comparedBy,
    identical_as_of: result.asOfMs === undefined ? undefined : new Date(result.asOfMs).toISOString(),
    rows: result.rows,
    repaired: result.repairedCount,
    repaired_hashes: result.repaired,
    only_at_subscriber: result.onlyAtSubscriber,
  });
}
