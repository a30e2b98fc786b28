import * as z from 'zod';
import { record } from '../answer.ts';

/** The sections that were asked for. What a machine cannot tell is null, or left out. */
export const informationAnswer = z.strictObject({
  system: record.optional(),
  time: record.optional(),
  cpu: record.optional(),
  memory: record.optional(),
  disk: z.strictObject({ size: z.unknown(), io: z.unknown() }).optional(),
  network: z.strictObject({ default_interface: z.unknown(), stats: z.unknown() }).optional(),
  harperdb_processes: z
    .strictObject({
      core: z.array(
        z.strictObject({ pid: z.number(), uptime: z.number(), rss: z.number(), heap_used: z.number() }),
      ),
      clustering: z.array(z.unknown()),
    })
    .optional(),
  table_size: z
    .array(
      z.strictObject({
        schema: z.string(),
        table: z.string(),
        table_size: z.number(),
        record_count: z.number(),
        transaction_log_size: z.number(),
        transaction_log_record_count: z.number(),
      }),
    )
    .optional(),
  /** As the replication process tells it, or why it does not; null where clustering is off. */
  replication: z.unknown().optional(),
  metrics: z.strictObject({ log_bytes: z.number() }).optional(),
  threads: z.array(z.strictObject({ id: z.number(), name: z.string(), utilization: z.number() })).optional(),
});
