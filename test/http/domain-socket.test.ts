import { createServer } from 'node:http';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { listenOnDomainSocket } from '../../src/http/domain-socket.ts';
import { TemporaryDirectory } from '../store/test-store.ts';

test('nobody else can connect at any moment, whatever the umask', async () => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, 'socket');
  const server = createServer();
  const modes: number[] = [];
  const look = (): unknown => modes.push(statSync(path).mode & 0o777);
  server.once('listening', look);
  const former = process.umask(0);

  try {
    await listenOnDomainSocket(server, path, { log: pino({ level: 'silent' }), onError: () => {} });
    look();
    expect(process.umask()).toBe(0);
  } finally {
    process.umask(former);
    server.close();
  }

  expect(modes).toEqual([0o600, 0o600]);
});
