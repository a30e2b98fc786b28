#!/usr/bin/env node
import { takeConfigFlags } from './config-flags.ts';
import { createProgram } from './program.ts';
import { reportFailure } from './report-failure.ts';

// A reader that has seen enough, as in `lyre describe_all | head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  const { flags, rest } = takeConfigFlags(process.argv.slice(2));
  await createProgram(flags).parseAsync(rest, { from: 'user' });
} catch (error) {
  reportFailure(error);
}
