import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { activityOf, stoodStill } from '../../src/runtime/process-activity.ts';

async function run(program: string): Promise<ChildProcess & AsyncDisposable & { readonly pid: number }> {
  const child = spawn(process.execPath, ['-e', `${program}; console.log('runs')`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  return Object.assign(child, {
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  });
}

describe.skipIf(process.platform !== 'linux')('what a process does', () => {
  test('is nothing while it is stopped, and shows when it goes on', async () => {
    await using child = await run('setInterval(() => { for (let i = 0; i < 1e6; i += 1); }, 1)');
    child.kill('SIGSTOP');
    await expect.poll(async () => standsStill(child.pid)).toBe(true);

    child.kill('SIGCONT');

    await expect.poll(async () => standsStill(child.pid)).toBe(false);
  });

  test('is not known of one that is gone', async () => {
    let pid: number;
    {
      await using child = await run('setInterval(() => {}, 1_000)');
      pid = child.pid;
      expect(activityOf(pid)).toBeDefined();
    }

    expect(activityOf(pid)).toBeUndefined();
    expect(stoodStill(activityOf(pid), activityOf(pid))).toBe(false);
  });
});

async function standsStill(pid: number): Promise<boolean> {
  const before = activityOf(pid);
  await pause(100);
  return stoodStill(before, activityOf(pid));
}
