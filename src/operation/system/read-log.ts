import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { logFileName } from '../../config/data-directory.ts';
import { CodedError } from '../../model/errors.ts';
import { logLevels } from '../../runtime/logger.ts';
import { notReplicated } from '../field.ts';
import { defineOperation } from '../operation.ts';
import { readLogLines, type LogEntry, logEntry } from './log-lines.ts';
import { requireNode } from './node-control.ts';

const time = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    const ms = new Date(value).getTime();
    if (Number.isNaN(ms))
      context.addIssue({ code: 'custom', message: 'must be a date: YYYY-MM-DD or ISO-8601' });
    return ms;
  })
  .optional();

/** What this node says about itself. */
export const readLog = defineOperation({
  name: 'read_log',
  aliases: ['read_Log'],
  refusalName: 'readLog',
  permission: 'super_user',
  request: z.object({
    start: z.int().min(0).max(100_000).default(0),
    limit: z.int().min(1).max(10_000).default(1_000),
    level: z.enum(logLevels).optional(),
    from: time,
    until: time,
    to: time,
    order: z.enum(['asc', 'desc']).default('asc'),
    filter: z.string().optional(),
    log_name: z
      .string()
      .regex(/^[\w-][\w.-]*$/)
      .default(logFileName),
    replicated: notReplicated.optional(),
  }),
  response: z.array(logEntry),
  async run(context, { start, limit, level, from, until, to, order, filter, log_name: name }) {
    const directory = requireNode(context).logDirectory;
    const path = directory === undefined ? undefined : join(directory, name);
    if (path === undefined || !existsSync(path))
      throw new CodedError('not_found', `There is no log '${name}': is logging.file switched off?`);
    const end = until ?? to ?? Infinity;
    const fits = (entry: LogEntry): boolean => {
      const atMs = Date.parse(entry.timestamp);
      return (
        (level === undefined || entry.level === level) &&
        (from === undefined || atMs >= from) &&
        atMs <= end &&
        (filter === undefined || entry.message.includes(filter))
      );
    };
    return order === 'asc' ? await oldest(path, fits, start, limit) : await newest(path, fits, start, limit);
  },
});

async function oldest(
  path: string,
  fits: (entry: LogEntry) => boolean,
  start: number,
  limit: number,
): Promise<readonly LogEntry[]> {
  const entries: LogEntry[] = [];
  let seen = 0;
  for await (const entry of readLogLines(path)) {
    if (!fits(entry)) continue;
    seen += 1;
    if (seen > start) entries.push(entry);
    if (entries.length === limit) break;
  }
  return entries;
}

/** Reads to the end and holds what could still be wanted. */
async function newest(
  path: string,
  fits: (entry: LogEntry) => boolean,
  start: number,
  limit: number,
): Promise<readonly LogEntry[]> {
  let last: LogEntry[] = [];
  for await (const entry of readLogLines(path)) {
    if (!fits(entry)) continue;
    last.push(entry);
    if (last.length >= 2 * (start + limit)) last = last.slice(-(start + limit));
  }
  return last.reverse().slice(start, start + limit);
}
