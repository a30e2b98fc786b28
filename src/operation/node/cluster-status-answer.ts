import * as z from 'zod';

const number = z.number().optional();
const text = z.string().optional();
const texts = z.array(z.string()).optional();

const subscription = z.strictObject({
  schema: z.string(),
  table: z.string(),
  publish: z.boolean(),
  subscribe: z.boolean(),
  start_time: text,
  on_delete: text,
  priority: z.number(),
  state: z.enum(['copying', 'catching-up', 'live', 'waiting', 'stopped', 'failed', 'idle']).optional(),
  reason: text,
  copy: z
    .strictObject({
      rows: z.number(),
      total: z.number(),
      rate: z.number().optional(),
      eta_seconds: z.number().optional(),
    })
    .optional(),
  lag_transactions: number,
  lag_ms: number,
  unconfirmed: number,
  waiting: z.strictObject({ transactions: z.number(), bytes: number }).optional(),
  growth_bytes_per_day: number,
  may_stay_away_ms: number,
  may_stay_away: text,
  conflicts: number,
  quarantined: number,
  identical_as_of: text,
});

const connection = z.strictObject({
  node_name: z.string(),
  status: z.enum(['open', 'closed', 'connecting', 'refused']),
  reason: text,
  host: text,
  port: number,
  ports: z.strictObject({ clustering: z.number(), operations_api: number }).optional(),
  latency_ms: number,
  clock_offset_ms: number,
  clock_uncertainty_ms: number,
  alarms: texts,
  uptime: text,
  connected_since: number,
  last_seen: number,
  dialled_by: z.enum(['us', 'them', 'both']).optional(),
  subscriptions: z.array(subscription),
  system_info: z
    .strictObject({ hdb_version: z.string(), node_version: z.string(), platform: z.string() })
    .optional(),
});

export const clusterStatusAnswer = z.strictObject({
  node_name: z.string(),
  is_enabled: z.boolean(),
  nats: z.enum(['running', 'down', 'unknown']),
  reason: text,
  alarms: texts,
  connections: z.array(connection),
});
