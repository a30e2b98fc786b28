import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { NatsProgram } from '../../src/process/nats-program.ts';
import { TemporaryDirectory } from '../store/test-store.ts';

test('nats-server is started without the passwords of the node', async () => {
  await using directory = await TemporaryDirectory.make();
  const program = join(directory.path, 'nats-server');
  const told = '#!/bin/sh\nif [ "$1" = --version ]; then echo nats-server: v2.14.0; else env > "$4"; fi\n';
  writeFileSync(program, told, { mode: 0o755 });
  vi.stubEnv('HDB_ADMIN_PASSWORD', 'hush');
  vi.stubEnv('CLUSTERING_PASSWORD', 'hush');
  vi.stubEnv('GOMEMLIMIT', '64MiB');
  const environment = join(directory.path, 'environment');

  try {
    const spawn = await new NatsProgram(program).find();
    await once(spawn(join(directory.path, 'node.conf'), environment), 'exit');
  } finally {
    vi.unstubAllEnvs();
  }

  const passed = readFileSync(environment, 'utf8');
  expect(passed).toContain('GOMEMLIMIT=64MiB');
  expect(passed).not.toContain('hush');
});
