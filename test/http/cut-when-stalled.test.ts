import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { cutWhenStalled } from '../../src/http/cut-when-stalled.ts';

const limitMs = 200;
const large = Buffer.alloc(64 * 1024 * 1024, 'x');

test.each([
  ['whole', (response: ServerResponse) => response.end(large)],
  ['in pieces', (response: ServerResponse) => response.write(large)],
])('an answer sent %s whose client does not read is cut', async (_how, send) => {
  let isCut = false;
  await using served = await serve((response) => {
    response.on('close', () => (isCut = true));
    cutWhenStalled(response, limitMs);
    send(response);
  });

  const client = connect(served.port, '127.0.0.1');
  client.on('error', () => {}).pause();
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(client, 'connect');

  await vi.waitFor(() => expect(isCut).toBe(true), 10_000);
  client.destroy();
});

test('one that has had nothing to send for longer goes on', async () => {
  const silences: number[] = [];
  await using served = await serve((response) => {
    cutWhenStalled(response, limitMs);
    response.write('begin ');
    // Longer than the limit, as a search that finds nothing: the same timer that would cut has run out.
    response.on('timeout', () => {
      silences.push(response.writableLength);
      response.end('end');
    });
  });

  const answer = await fetch(`http://127.0.0.1:${served.port}/`);

  expect(await answer.text()).toBe('begin end');
  expect(silences).toEqual([0]);
});

test('one that stalls after such a silence is cut all the same', async () => {
  let isCut = false;
  await using served = await serve((response) => {
    response.on('close', () => (isCut = true));
    cutWhenStalled(response, limitMs);
    response.write('begin ');
    response.once('timeout', () => response.write(large));
  });

  const client = connect(served.port, '127.0.0.1');
  client.on('error', () => {});
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(client, 'data');
  client.pause();

  await vi.waitFor(() => expect(isCut).toBe(true), 10_000);
  client.destroy();
});

async function serve(
  handle: (response: ServerResponse) => void,
): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((_request, response) => handle(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
