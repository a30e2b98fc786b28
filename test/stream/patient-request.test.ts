import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { Closer } from '../../src/runtime/closer.ts';
import { patientRequest } from '../../src/stream/patient-request.ts';
import { TcpProxy } from '../cluster/support/tcp-proxy.ts';
import { BareServer } from './bare-server.ts';

/** A nats-server, a service of its own that answers with so many bytes or never, and a client behind a proxy. */
async function openService(answerBytes: number | 'never') {
  const closer = new Closer();
  const { port } = closer.own('nats-server', await BareServer.start());
  const near = closer.own('near', await connect({ servers: `127.0.0.1:${port}` }));
  near.subscribe('service', {
    callback: (_error, message) => {
      if (answerBytes !== 'never') message.respond(new Uint8Array(answerBytes));
    },
  });
  await near.flush();
  const proxy = closer.own('proxy', await TcpProxy.to(() => ({ host: '127.0.0.1', port })));
  const far = await connect({ servers: `127.0.0.1:${proxy.address.port}`, reconnect: false });
  // Not disposed of: that would wait for what is on its way.
  closer.defer('far', () => far.close());
  return { near, far, proxy, [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose]() };
}

test('an answer that is on its way is waited for, however slowly it comes', async () => {
  await using service = await openService(30_000);
  service.proxy.shape({ bytesPerSecond: 8_000, delayMs: 100 });
  const startedMs = performance.now();

  const { data } = await patientRequest(service.far, 'service', new Uint8Array(), 500);

  expect(data).toHaveLength(30_000);
  expect(performance.now() - startedMs).toBeGreaterThan(3_000);
});

test('an answer that is on its way is not waited for once whoever asked has no more use for it', async () => {
  await using service = await openService(80_000);
  service.proxy.shape({ bytesPerSecond: 8_000, delayMs: 20 });
  const use = new AbortController();
  const startedMs = performance.now();
  const given = patientRequest(service.far, 'service', new Uint8Array(), 1_000, use.signal).then(
    () => 'an answer',
    (error: unknown) => error,
  );
  // It takes ten seconds, and after one it is known to be on its way.
  await expect.poll(() => performance.now() - startedMs, { timeout: 10_000 }).toBeGreaterThan(1_500);

  use.abort('of no more use');

  expect(await given).toBe('of no more use');
});

test('a service that does not answer is given up soon after the time, whatever else comes', async () => {
  await using service = await openService('never');
  let heard = 0;
  service.far.subscribe('noise', {
    callback: () => {
      heard += 1;
    },
  });
  await service.far.flush();
  const noise = setInterval(() => service.near.publish('noise', new Uint8Array(100)), 20);
  const startedMs = performance.now();

  await expect(patientRequest(service.far, 'service', new Uint8Array(), 500)).rejects.toThrow('timeout');

  clearInterval(noise);
  expect(heard).toBeGreaterThan(5);
  expect(performance.now() - startedMs).toBeLessThan(3_000);
});

test('a connection that brings nothing at all is given up after the time', async () => {
  await using service = await openService('never');
  service.proxy.blackhole();
  const startedMs = performance.now();

  await expect(patientRequest(service.far, 'service', new Uint8Array(), 500)).rejects.toThrow('timeout');

  expect(service.proxy.counters.swallowedBytes).toBeGreaterThan(0);
  expect(performance.now() - startedMs).toBeLessThan(3_000);
});
