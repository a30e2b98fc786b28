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

test('a port that is taken is named with the setting that chooses another', async () => {
  await using held = await holdPort(host, undefined);

  await expect(claimPort(host, held.port, undefined)).rejects.toMatchObject({
    code: 'start_failed',
    message:
      `The cluster port ${held.port} on ${host} is taken by another process: ` +
      'CLUSTERING_PORT names another one, 0 takes any that is free',
  });
});

test.each([
  ['any port', () => claimPort('192.0.2.1', 0, undefined)],
  ['any port of the API', () => holdPort('192.0.2.1', undefined)],
  ['a port', () => claimPort('192.0.2.1', 29_932, undefined)],
])(
  '%s of an address that this machine does not have is refused with the setting of the address',
  async (_, claim) => {
    await expect(claim()).rejects.toMatchObject({
      code: 'start_failed',
      message: 'Cannot listen on 192.0.2.1: this machine does not have that address (NETWORK_HOST)',
    });
  },
);

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
