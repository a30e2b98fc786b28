import { fork } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { BridgeClient } from '../../src/process/bridge-client.ts';
import type { NodeSetup } from '../../src/process/node-setup.ts';

const program = fileURLToPath(new URL('counting-bridge.mjs', import.meta.url));

/** A client of a bridge process that counts hints. */
class Counted implements AsyncDisposable {
  readonly child = fork(program, [], { serialization: 'advanced' });
  readonly client: BridgeClient;
  readonly logged: string[] = [];
  #wakes = 0;

  constructor(hasReaders: () => boolean) {
    const log = pino({}, { write: (line: string) => this.logged.push(line) });
    this.client = new BridgeClient({ holdCommits: () => Promise.resolve(() => {}), hasReaders, log });
    this.client.attach(this.child, { kind: 'start', setup: {} as NodeSetup });
  }

  wake(): void {
    this.#wakes += 1;
    this.client.wake();
  }

  async commitEachTurn(commits: number): Promise<void> {
    for (let commit = 0; commit < commits; commit += 1) {
      this.client.committed();
      await nextTurn();
    }
  }

  /** How many hints have come before a wake that is sent now. */
  async hints(): Promise<number> {
    this.wake();
    const asked = this.#wakes;
    return vi.waitFor(
      () => {
        const [wakes, hints] = (this.client.failure ?? '').split(' ').map(Number);
        if (hints === undefined || wakes !== asked) throw new Error('The bridge has not told its hints');
        return hints;
      },
      { timeout: 10_000, interval: 1 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
  }
}

test('commits of one event turn are one hint, and those of the next turn another', async () => {
  await using bridge = new Counted(() => true);

  for (let turn = 0; turn < 3; turn += 1) {
    for (let commit = 0; commit < 10; commit += 1) bridge.client.committed();
    await nextTurn();
  }

  expect(await bridge.hints()).toBe(3);
});

test('a node without peers sends no hints', async () => {
  await using bridge = new Counted(() => false);

  await bridge.commitEachTurn(3);

  expect(await bridge.hints()).toBe(0);
});

test('hints do not pile up before a bridge that stands still; of what was committed meanwhile it hears once it goes on', async () => {
  await using bridge = new Counted(() => true);
  bridge.child.kill('SIGSTOP');
  // Until no more goes into the pipe.
  for (let wake = 0; wake < 10_000; wake += 1) bridge.wake();
  await bridge.commitEachTurn(100);

  bridge.child.kill('SIGCONT');

  expect(await bridge.hints()).toBe(1);
  await vi.waitFor(async () => expect(await bridge.hints()).toBe(2), { timeout: 10_000 });
});

test('a store that cannot be read ends nothing: the hint is sent, and the log has the reason', async () => {
  let asked = 0;
  await using bridge = new Counted(() => {
    asked += 1;
    throw new Error('no slot');
  });

  await bridge.commitEachTurn(1);

  expect(await bridge.hints()).toBe(1);
  expect(asked).toBe(1);
  expect(bridge.logged.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { level: 40, err: { message: 'no slot' } },
  ]);
});
