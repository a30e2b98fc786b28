import { pino } from 'pino';

export type Logger = pino.Logger;

/** The levels that configuration may name, from the most to the least talkative. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'notify'] as const;

export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** A file to append to; its directory is made. Several processes may append to one file. */
  readonly destination?: string;
  /** Whether to write to standard output. */
  readonly stdStreams: boolean;
  readonly name: string;
}

/** What may wait in memory for a destination that does not take it; what is beyond is dropped. */
const maxBufferedBytes = 1024 * 1024;

/**
 * A pino logger that writes JSON lines to a file, to standard output, to both or to neither.
 *
 * Writes are synchronous, so the last words of a process that dies are on record. A destination that fails
 * later (disk full, closed pipe) costs log lines and never the process.
 *
 * @throws when the file cannot be opened
 */
export function createLogger({ level, destination, stdStreams, name }: LoggerOptions): Logger {
  const pinoLevel = toPinoLevel(level);
  const streams: pino.StreamEntry[] = [];
  if (stdStreams) streams.push({ level: pinoLevel, stream: openStream(1) });
  if (destination !== undefined) streams.push({ level: pinoLevel, stream: openStream(destination) });
  return pino(
    {
      name,
      level: streams.length === 0 ? 'silent' : pinoLevel,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.multistream(streams),
  );
}

/** `notify` is above `fatal` and pino knows nothing there; we log nothing above `fatal` either. */
function toPinoLevel(level: LogLevel): pino.Level {
  return level === 'notify' ? 'fatal' : level;
}

function openStream(dest: string | number): pino.DestinationStream {
  const stream = pino.destination({ dest, mkdir: true, sync: true, maxLength: maxBufferedBytes });
  // Without a listener, Node ends the process when a write fails.
  stream.on('error', () => {});
  return stream;
}
