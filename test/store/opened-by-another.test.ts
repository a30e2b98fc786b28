import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { TemporaryDirectory } from './test-store.ts';

const program = fileURLToPath(new URL('commit-while-opened.ts', import.meta.url));
const hasStrace = spawnSync('strace', ['-V']).status === 0;

async function run(
  timeoutMs: number,
  ...args: readonly string[]
): Promise<{ acknowledged: number; lost: number }> {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, 'data');
  // Nothing of it may outlive the test: those that it starts end by themselves.
  const options = { timeout: timeoutMs, killSignal: 'SIGKILL' } as const;
  const programArgs = ['--import', 'tsx', program, path, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, programArgs, options);
  return JSON.parse(stdout) as { acknowledged: number; lost: number };
}

test.runIf(hasStrace)(
  'what is acknowledged stays while another process opens the store slowly',
  async () => {
    const { acknowledged, lost } = await run(50_000, '4', 'hold');

    expect(lost).toBe(0);
    expect(acknowledged).toBeGreaterThan(4);
  },
  60_000,
);

// It takes a while to show, and once it is gone from lmdb this says so: OPENED_UNHELD=1.
test.runIf(hasStrace && process.env['OPENED_UNHELD'])(
  'without holding commits back, lmdb loses some or crashes',
  async () => {
    const outcome = await run(280_000, '20', 'no hold').catch((error: unknown) => error);

    expect(outcome).not.toMatchObject({ lost: 0 });
    // A store that nobody could open shows nothing.
    expect(String(outcome)).not.toMatch(/The opener ended with \d/);
  },
  300_000,
);
