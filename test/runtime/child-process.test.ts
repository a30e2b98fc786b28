import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { SupervisedProcess, type SupervisedProcessOptions } from '../../src/runtime/child-process.ts';

const waitsForEver = 'setInterval(() => {}, 1000)';
const ignoresSigterm = `process.on('SIGTERM', () => {}); ${waitsForEver}; console.log('ready')`;

function supervise(program: string, options: Partial<SupervisedProcessOptions> = {}): SupervisedProcess {
  const supervised = new SupervisedProcess({
    name: 'test',
    spawn: () => spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] }),
    log: pino({ level: 'silent' }),
    backoff: { minMs: 10, maxMs: 50 },
    ...options,
  });
  supervised.start();
  return supervised;
}

function pidOf({ state }: SupervisedProcess): number {
  if (state.kind !== 'running') throw new Error(`The process is ${state.kind}`);
  return state.pid;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('starts a child that was killed again', async () => {
  const exits: unknown[] = [];
  await using supervised = supervise(waitsForEver, { onExit: (...exit) => exits.push(exit) });
  const first = pidOf(supervised);

  process.kill(first, 'SIGKILL');

  await vi.waitFor(() => expect(pidOf(supervised)).not.toBe(first), 5_000);
  expect(exits).toEqual([[null, 'SIGKILL']]);
  expect(isAlive(first)).toBe(false);
});

it('backs off from a child that always exits, and says how it ended', async () => {
  let starts = 0;
  await using supervised = supervise('process.exit(3)', {
    backoff: { minMs: 3_600_000, maxMs: 3_600_000 },
    onStart: () => (starts += 1),
  });

  await vi.waitFor(() => expect(supervised.state.kind).toBe('restarting'), 5_000);

  expect(supervised.state).toMatchObject({ lastExit: { code: 3, signal: null } });
  expect(supervised.state).toHaveProperty('atMs', expect.any(Number));
  expect(starts).toBe(1);
});

it('waits longer after each exit, and begins again after a child that has recovered', async () => {
  const waits = async (recoveredAfterMs: number): Promise<number[]> => {
    const seen: number[] = [];
    await using supervised: SupervisedProcess = supervise('', {
      recoveredAfterMs,
      backoff: { minMs: 1, maxMs: 1000 },
      onExit: () => {
        const { state } = supervised;
        if (state.kind === 'restarting') seen.push(state.atMs - Date.now());
      },
    });
    await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(6), 10_000);
    return seen;
  };

  // 2 ** 5 with a jitter of at most half.
  expect((await waits(3_600_000))[5]).toBeGreaterThanOrEqual(16);
  expect((await waits(0))[5]).toBeLessThanOrEqual(1);
});

it('logs a child that always exits ever more rarely, and once that it runs again', async () => {
  const lines: string[] = [];
  let starts = 0;
  await using _supervised: SupervisedProcess = supervise('', {
    spawn: () => {
      starts += 1;
      return starts <= 9 ? spawn('false') : spawn(process.execPath, ['-e', waitsForEver]);
    },
    backoff: { minMs: 1, maxMs: 1 },
    recoveredAfterMs: 1_000,
    log: pino(
      {},
      {
        write: (line) => {
          const { msg, failures } = JSON.parse(line) as { msg: string; failures?: number };
          lines.push(`${msg} ${failures ?? 0}`);
        },
      },
    ),
  });

  await vi.waitFor(() => expect(lines).toContain('child process runs again 9'), 10_000);

  expect(lines).toEqual([
    'child process started 0',
    ...[1, 2, 4, 8].flatMap((count) => [`child process exited ${count}`, `child process started ${count}`]),
    'child process runs again 9',
  ]);
});

it('goes on trying when the program does not exist', async () => {
  let attempts = 0;
  await using supervised = supervise('', {
    spawn: () => {
      attempts += 1;
      return spawn('/no/such/program');
    },
  });

  await vi.waitFor(() => expect(attempts).toBeGreaterThan(2), 5_000);
  await vi.waitFor(() => expect(supervised.state.kind).toBe('restarting'));

  expect(supervised.state).toMatchObject({ lastExit: { error: expect.stringContaining('ENOENT') } });
});

it('restarts at once on request, and never has two children', async () => {
  const children: ChildProcess[] = [];
  await using supervised = supervise(waitsForEver, {
    backoff: { minMs: 3_600_000, maxMs: 3_600_000 },
    onStart: (child) => children.push(child),
  });
  const first = pidOf(supervised);

  await supervised.restart();

  expect(isAlive(first)).toBe(false);
  expect(pidOf(supervised)).not.toBe(first);
  expect(children).toHaveLength(2);
});

it('restarts a child that waits in a back-off', async () => {
  const exits: unknown[] = [];
  await using supervised = supervise(waitsForEver, {
    backoff: { minMs: 3_600_000, maxMs: 3_600_000 },
    onExit: (...exit) => exits.push(exit),
  });
  supervised.sendSignal('SIGKILL');
  await vi.waitFor(() => expect(supervised.state.kind).toBe('restarting'), 5_000);

  await supervised.restart();

  expect(supervised.state.kind).toBe('running');
});

it('ends the child with SIGTERM when disposed, and starts no other', async () => {
  const exits: unknown[] = [];
  const supervised = supervise(waitsForEver, { onExit: (...exit) => exits.push(exit) });
  const pid = pidOf(supervised);

  await supervised[Symbol.asyncDispose]();
  supervised.start();
  await supervised.restart();

  expect(exits).toEqual([[null, 'SIGTERM']]);
  expect(isAlive(pid)).toBe(false);
  expect(supervised.state).toEqual({ kind: 'stopped' });
  expect(supervised.sendSignal('SIGTERM')).toBe(false);
});

it('kills a child that does not heed SIGTERM', async () => {
  const exits: unknown[] = [];
  let child: ChildProcess | undefined;
  const supervised = supervise(ignoresSigterm, {
    stopTimeoutMs: 50,
    onStart: (started) => (child = started),
    onExit: (...exit) => exits.push(exit),
  });
  if (child?.stdout) await once(child.stdout, 'data');

  await supervised[Symbol.asyncDispose]();

  expect(exits).toEqual([[null, 'SIGKILL']]);
});

it('passes messages of a forked child', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lyre-fork-'));
  const program = join(directory, 'child.cjs');
  writeFileSync(program, `process.on('message', (m) => process.send(m)); process.send('ready')`);
  const messages: unknown[] = [];
  {
    await using _supervised: SupervisedProcess = supervise('', {
      spawn: () => fork(program, { execArgv: [] }),
      onStart: (child) => {
        child.on('message', (message) => messages.push(message));
        child.send('echo');
      },
    });
    await vi.waitFor(() => expect(messages).toEqual(['ready', 'echo']), 5_000);
  }
  rmSync(directory, { recursive: true });
});
