import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { failureText } from '../../src/stream/failure-text.ts';
import { patientRequest } from '../../src/stream/patient-request.ts';
import { BareServer } from './bare-server.ts';

const failureOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => 'none', failureText);

test('a server behind which nobody answers is told as that, and no subject', async () => {
  await using server = await BareServer.start();
  const connection = await connect({ servers: `127.0.0.1:${server.port}` });

  const told = [
    await failureOf(connection.request('svc.join', '{}', { timeout: 5_000 })),
    await failureOf(patientRequest(connection, 'svc.edge.hello', new Uint8Array(), 5_000)),
  ];

  await connection.close();
  expect(told).toEqual(
    Array.from(
      { length: 2 },
      () => 'its nats-server is there, but no bridge answers: it is still starting, or down',
    ),
  );
});

test('a server that hangs up at once is told as that', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const told = await failureOf(connect({ servers: `127.0.0.1:${port}`, reconnect: false, timeout: 5_000 }));

  server.close();
  expect(told).not.toMatch(/undefined|none/);
});
