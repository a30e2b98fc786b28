import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { claimPort, holdPort } from '../../src/process/held-port.ts';

const host = '127.0.0.1';

test('a port that is held is given to nobody, hangs up, and is free again afterwards', async () => {
  const held = await holdPort(host, undefined);

  expect(await claimPort(host, 0, held.port)).not.toBe(held.port);
  await expect(claimPort(host, held.port, undefined)).rejects.toMatchObject({ code: 'start_failed' });
  const caller = connect({ host, port: held.port });
  await once(caller, 'close');

  await held[Symbol.asyncDispose]();
  expect(await claimPort(host, 0, held.port)).toBe(held.port);
});

test('any port is one that no outgoing connection takes', async () => {
  const ports = await Promise.all(
    Array.from({ length: 20 }, async () => {
      await using held = await holdPort(host, undefined);
      return held.port;
    }),
  );

  expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

test('another port than the last one is held while somebody else listens there', async () => {
  const other = createServer();
  other.listen({ host, port: 0 });
  await once(other, 'listening');
  const address = other.address();
  const port = typeof address === 'object' ? address?.port : undefined;

  await using held = await holdPort(host, port);

  expect(held.port).not.toBe(port);
  other.close();
});
