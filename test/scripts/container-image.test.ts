import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { TemporaryDirectory } from '../store/test-store.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test(
  'the image is built from what .dockerignore lets through and the Dockerfile copies',
  { timeout: 60_000 },
  async () => {
    await using directory = await TemporaryDirectory.make();
    const allowed = lines('.dockerignore').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    const copied = lines('Dockerfile').flatMap(
      (line) => /^COPY (?!--from)(?<sources>.*) \S+$/.exec(line)?.groups?.['sources']?.split(' ') ?? [],
    );

    for (const source of copied) {
      expect(allowed).toContain(source);
      cpSync(join(root, source), join(directory.path, source), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(directory.path, 'node_modules'));
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: directory.path, stdio: 'pipe' });

    for (const program of ['dist/cli/main.js', 'dist/process/bridge-main.js'])
      expect(existsSync(join(directory.path, program))).toBe(true);
  },
);

test('a container is healthy when its node says so, whatever it listens on', () => {
  const command = ['lyre', 'status'];

  expect(lines('Dockerfile')).toContain(`  CMD ${JSON.stringify(command).replace(',', ', ')}`);
  expect(parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true })).toMatchObject({
    services: { 'harper-host': { healthcheck: { test: ['CMD', ...command] } } },
  });
});

function lines(file: string): string[] {
  return readFileSync(join(root, file), 'utf8').split('\n');
}
