import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from './temporary-directory.mjs';

const interrupt = new URL('../../scripts/interrupt.mjs', import.meta.url).href;

/**
 * A program that prints without end, and takes a while to put in order what it leaves: then `file` is there.
 *
 * @param {string} file
 */
async function start(file) {
  const program = `
    import { writeFileSync } from 'node:fs';
    import { onInterrupt } from '${interrupt}';
    onInterrupt((status) => setTimeout(() => {
      writeFileSync(${JSON.stringify(file)}, '');
      process.exit(status);
    }, 300));
    setInterval(() => process.stdout.write('going on\\n'), 10);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])('%s ends a program in order, however often it comes', async (signal, status) => {
  const file = join(await temporaryDirectory(), 'ended');
  const child = await start(file);
  const ended = once(child, 'exit');

  child.kill(signal);
  const again = setInterval(() => child.kill(signal), 50);

  expect(await ended).toEqual([status, null]);
  clearInterval(again);
  expect(existsSync(file)).toBe(true);
});

test('a program whose output nobody reads any more ends in order', async () => {
  const file = join(await temporaryDirectory(), 'ended');
  const child = await start(file);
  const ended = once(child, 'exit');

  child.stdout.destroy();

  expect(await ended).toEqual([1, null]);
  expect(existsSync(file)).toBe(true);
});
