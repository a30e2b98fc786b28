import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { RunLoop, type RunLoopOptions } from '../../src/runtime/run-loop.ts';

const never = 3_600_000;

function startLoop(options: Partial<RunLoopOptions> & Pick<RunLoopOptions, 'body'>): RunLoop {
  const loop = new RunLoop({ name: 'test', idleMs: never, log: pino({ level: 'silent' }), ...options });
  loop.start();
  return loop;
}

it('runs again at once while there is more, then idles until it is woken', async () => {
  let work = 3;
  let bodies = 0;
  await using loop = startLoop({
    body: async () => {
      bodies += 1;
      if (work > 0) work -= 1;
      return work > 0;
    },
  });
  await vi.waitFor(() => expect(work).toBe(0));
  expect(bodies).toBe(3);

  loop.wake();

  await vi.waitFor(() => expect(bodies).toBe(4));
});

it('looks again within idleMs without a wake', async () => {
  let bodies = 0;
  await using _loop = startLoop({ idleMs: 1, body: async () => (bodies += 1) < 0 });

  await vi.waitFor(() => expect(bodies).toBeGreaterThan(3));
});

it('lets timers run between the bodies of a loop that is always busy', async () => {
  let bodies = 0;
  const enough = 1_000_000;
  await using _loop = startLoop({ body: async () => (bodies += 1) < enough });

  await new Promise((resolve) => setTimeout(resolve, 1));

  expect(bodies).toBeGreaterThan(0);
  expect(bodies).toBeLessThan(enough);
});

it('does not lose a wake during a body', async () => {
  let bodies = 0;
  let finish = (): void => {};
  await using loop = startLoop({
    body: async () => {
      bodies += 1;
      if (bodies === 1) await new Promise<void>((resolve) => (finish = resolve));
      return false;
    },
  });
  await vi.waitFor(() => expect(bodies).toBe(1));

  loop.wake();
  finish();

  await vi.waitFor(() => expect(bodies).toBe(2));
});

it('tells of a failure, backs off, and goes on', async () => {
  const errors: unknown[] = [];
  let bodies = 0;
  await using _loop = startLoop({
    backoff: { minMs: 1, maxMs: 4 },
    onError: (error) => errors.push(error),
    body: async () => {
      bodies += 1;
      if (bodies <= 3) throw new Error(`failure ${bodies}`);
      return false;
    },
  });

  await vi.waitFor(() => expect(bodies).toBe(4));

  expect(errors.map(String)).toEqual(['Error: failure 1', 'Error: failure 2', 'Error: failure 3']);
});

it('logs a failure that lasts ever more rarely, and its end', async () => {
  const lines: { msg: string; failures: number }[] = [];
  const log = pino(
    { base: null, timestamp: false },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  let bodies = 0;
  await using _loop = startLoop({
    log,
    backoff: { minMs: 1, maxMs: 1 },
    body: async () => {
      bodies += 1;
      if (bodies <= 20) throw new Error('away');
      return false;
    },
  });

  await vi.waitFor(() => expect(bodies).toBe(21));

  expect(lines.map(({ msg, failures }) => [msg, failures])).toEqual([
    ...[1, 2, 4, 8, 16].map((failures) => ['loop body failed', failures]),
    ['loop goes on', 20],
  ]);
});

it('logs a few of the failures that come and go', async () => {
  const lines: { msg: string }[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let bodies = 0;
  await using _loop = startLoop({
    log,
    backoff: { minMs: 1, maxMs: 1 },
    body: async () => {
      bodies += 1;
      if (bodies < 100 && bodies % 2 === 0) throw new Error('away for a moment');
      return bodies < 100;
    },
  });

  await vi.waitFor(() => expect(bodies).toBe(100));

  const count = (wanted: string): number => lines.filter(({ msg }) => msg === wanted).length;
  expect([count('loop body failed'), count('loop goes on')]).toEqual([5, 5]);
});

it('does not let a wake shorten a back-off, and ends a back-off when disposed', async () => {
  let bodies = 0;
  const loop = startLoop({
    backoff: { minMs: never, maxMs: never },
    body: async () => {
      bodies += 1;
      throw new Error('always');
    },
  });
  await vi.waitFor(() => expect(bodies).toBe(1));

  loop.wake();
  await new Promise(setImmediate);
  await loop[Symbol.asyncDispose]();

  expect(bodies).toBe(1);
});

it('aborts the running body and waits for it when disposed', async () => {
  const events: string[] = [];
  const loop = startLoop({
    body: async (signal) => {
      events.push('begin');
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      await new Promise(setImmediate);
      events.push('end');
      return true;
    },
  });
  await vi.waitFor(() => expect(events).toEqual(['begin']));

  await loop[Symbol.asyncDispose]();
  loop.start();
  loop.wake();

  expect(events).toEqual(['begin', 'end']);
});

it('can be disposed without having been started, and never runs then', async () => {
  let bodies = 0;
  const loop = new RunLoop({
    name: 'test',
    idleMs: 1,
    log: pino({ level: 'silent' }),
    body: async () => (bodies += 1) > 0,
  });

  await loop[Symbol.asyncDispose]();
  loop.start();
  await new Promise(setImmediate);

  expect(bodies).toBe(0);
});
