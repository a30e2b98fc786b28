import * as z from 'zod';
import { channelName, maxChannelNameBytes } from '../../model/channel-name.ts';
import { nameProblem } from '../../model/names.ts';
import { deletePolicies, type DeletePolicy } from '../../model/node.ts';
import { highestPriority } from '../../model/subscription.ts';
import { systemDatabase } from '../../model/table.ts';
import { defaultDatabase } from '../field.ts';

/** A subscription as a request asks for it; it gets its version when it is stored. */
export interface RequestedSubscription {
  readonly database: string;
  readonly table: string;
  readonly publish: boolean;
  readonly subscribe: boolean;
  readonly startTimeMs?: number;
  readonly onDelete?: DeletePolicy;
  readonly priority?: number;
}

const utcTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?Z$/;

/** An instant in UTC, as milliseconds since 1970. */
export const startTime = z.string().transform((text, context): number => {
  const ms = utcTime.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  context.addIssue({ code: 'custom', message: 'must be a UTC time in the form YYYY-MM-DDTHH:mm:ss.sssZ' });
  return z.NEVER;
});

/** `{channel}` of 3.x or `{schema|database, table}` of 4.x, with the two directions seen from this node. */
export const subscription = z
  .object({
    channel: z.string().optional(),
    schema: z.string().optional(),
    database: z.string().optional(),
    table: z.string().optional(),
    publish: z.boolean(),
    subscribe: z.boolean(),
    start_time: startTime.optional(),
    opt_start_time: startTime.optional(),
    on_delete: z.enum(deletePolicies).optional(),
    priority: z.int().min(0).max(highestPriority).optional(),
  })
  .transform((read, context): RequestedSubscription => {
    const refuse = (path: PropertyKey[], message: string): never => {
      context.addIssue({ code: 'custom', path, message });
      return z.NEVER;
    };
    const named = read.channel === undefined ? undefined : splitChannel(read.channel);
    if (read.channel !== undefined && named === undefined) {
      return refuse(['channel'], "must be '<schema>:<table>'");
    }
    const database = named?.database ?? read.database ?? read.schema ?? defaultDatabase;
    const table = named?.table ?? read.table;
    if (table === undefined) return refuse(['table'], 'is required');
    if (database === systemDatabase) {
      return refuse([], `invalid database name, '${systemDatabase}' name is reserved`);
    }
    const databaseProblem = nameProblem(database);
    if (databaseProblem !== undefined) return refuse(['schema'], databaseProblem);
    const tableProblem = nameProblem(table);
    if (tableProblem !== undefined) return refuse(['table'], tableProblem);
    if (channelName(database, table).length > maxChannelNameBytes) {
      return refuse(
        [],
        `cannot be replicated, the encoded name of its channel exceeds ${maxChannelNameBytes} bytes`,
      );
    }
    const startTimeMs = read.start_time ?? read.opt_start_time;
    return {
      database,
      table,
      publish: read.publish,
      subscribe: read.subscribe,
      ...(startTimeMs === undefined ? {} : { startTimeMs }),
      ...(read.on_delete === undefined ? {} : { onDelete: read.on_delete }),
      ...(read.priority === undefined ? {} : { priority: read.priority }),
    };
  });

/** At the first colon: a database cannot be written with one here, a table can. */
function splitChannel(channel: string): { readonly database: string; readonly table: string } | undefined {
  const colon = channel.indexOf(':');
  if (colon < 1 || colon === channel.length - 1) return undefined;
  return { database: channel.slice(0, colon), table: channel.slice(colon + 1) };
}
