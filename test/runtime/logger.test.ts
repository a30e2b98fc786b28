import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLogger } from '../../src/runtime/logger.ts';

function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'lyre-logger-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

it('appends JSON lines from its level on to a file whose directory it makes', () => {
  using directory = temporaryDirectory();
  const destination = join(directory.path, 'log', 'lyre.log');

  for (const name of ['api', 'bridge']) {
    const log = createLogger({ level: 'warn', destination, stdStreams: false, name });
    log.info('not written');
    log.child({ component: 'part' }).warn({ channel: 'dev:dog' }, 'written');
  }

  const lines = readFileSync(destination, 'utf8').trimEnd().split('\n');
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual(
    ['api', 'bridge'].map((name) => ({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      pid: process.pid,
      name,
      component: 'part',
      channel: 'dev:dog',
      msg: 'written',
    })),
  );
});

it('takes notify as the level that shows least', () => {
  using directory = temporaryDirectory();
  const destination = join(directory.path, 'lyre.log');
  const log = createLogger({ level: 'notify', destination, stdStreams: false, name: 'api' });

  log.error('not written');
  log.fatal('written');

  expect(readFileSync(destination, 'utf8')).toContain('written');
  expect(readFileSync(destination, 'utf8')).not.toContain('not written');
});

it('is silent without a destination', () => {
  expect(createLogger({ level: 'info', stdStreams: false, name: 'api' }).isLevelEnabled('fatal')).toBe(false);
});

it('says so when the file cannot be opened', () => {
  const destination = '/dev/null/lyre.log';

  expect(() => createLogger({ level: 'info', destination, stdStreams: false, name: 'api' })).toThrow(
    '/dev/null',
  );
});

it.runIf(process.platform === 'linux')('survives a full disk', () => {
  const log = createLogger({ level: 'info', destination: '/dev/full', stdStreams: false, name: 'api' });

  for (let count = 0; count < 1000; count += 1) log.info({ count }, 'line');

  expect(log.isLevelEnabled('info')).toBe(true);
});
