import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { endLeftoverNatsServer } from '../../src/process/leftover-nats-server.ts';

afterEach(() => void vi.unstubAllEnvs());

/** A process that lives on, with a number in the file and words in its command line. */
class Leftover implements AsyncDisposable {
  readonly directory: string;
  readonly child: ChildProcess;

  private constructor(directory: string, child: ChildProcess) {
    this.directory = directory;
    this.child = child;
  }

  static async begin(configOf: (directory: string) => string): Promise<Leftover> {
    const directory = await mkdtemp(join(tmpdir(), 'lyre-leftover-'));
    const program = 'console.log("begun"); setInterval(() => {}, 1_000)';
    const child = spawn(process.execPath, ['-e', program, '--', '--config', configOf(directory)]);
    await once(child.stdout, 'data');
    await writeFile(join(directory, 'nats.pid'), `${child.pid}\n`);
    return new Leftover(directory, child);
  }

  get hasEnded(): boolean {
    return this.child.signalCode !== null || this.child.exitCode !== null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) {
      this.child.kill('SIGKILL');
      await once(this.child, 'exit');
    }
    await rm(this.directory, { recursive: true });
  }
}

test.each([
  ['beside ps', process.env['PATH'] ?? ''],
  // As in a slim image of a container, which Linux needs no ps for.
  ...(process.platform === 'linux' ? [['without ps', '/nowhere']] : []),
])('a nats-server that an earlier run has left is ended: %s', async (_, path) => {
  await using leftover = await Leftover.begin((directory) => join(directory, 'node.conf'));
  const exited = once(leftover.child, 'exit');
  vi.stubEnv('PATH', path);

  await endLeftoverNatsServer(leftover.directory);

  expect(await exited).toEqual([null, 'SIGKILL']);
});

test('another process that has its number since is left alone', async () => {
  await using leftover = await Leftover.begin(() => '/elsewhere/node.conf');

  await endLeftoverNatsServer(leftover.directory);

  expect(leftover.hasEnded).toBe(false);
  expect(leftover.child.kill(0)).toBe(true);
});
