import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import * as z from 'zod';

/** One entry of a log file, as `read_log` answers it. */
export const logEntry = z.strictObject({
  level: z.string(),
  message: z.string(),
  timestamp: z.string(),
  thread: z.string(),
  tags: z.array(z.string()),
});

export type LogEntry = Readonly<z.infer<typeof logEntry>>;

const line = z.looseObject({
  level: z.string(),
  time: z.string(),
  msg: z.string().default(''),
  name: z.string().default('main'),
  pid: z.number().default(0),
  component: z.string().optional(),
});

/** The entries of a file that we wrote, oldest first; lines of others are left out. The file is read as it is taken. */
export async function* readLogLines(path: string): AsyncGenerator<LogEntry> {
  const input = createReadStream(path, 'utf8');
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      const entry = entryOf(text);
      if (entry !== undefined) yield entry;
    }
  } finally {
    input.destroy();
  }
}

function entryOf(text: string): LogEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = line.safeParse(value);
  if (!parsed.success) return undefined;
  const { level, time, msg, name, pid, component, ...facts } = parsed.data;
  return {
    level,
    message: Object.keys(facts).length === 0 ? msg : `${msg} ${JSON.stringify(facts)}`,
    timestamp: time,
    thread: `${name}/${pid}`,
    tags: component === undefined ? [] : [component],
  };
}
