import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { logFileName } from '../config/data-directory.ts';
import type { LoggerOptions } from '../runtime/logger.ts';

export function logOptions(config: Config, name: string): LoggerOptions {
  const { level, file, stdStreams, root } = config.logging;
  return { level, stdStreams, name, ...(file ? { destination: join(root, logFileName) } : {}) };
}
