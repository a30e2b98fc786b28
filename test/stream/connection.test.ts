import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { presentedCertificate } from '../../src/stream/connection.ts';

test('who listens and says nothing is waited for no longer than the signal allows', async () => {
  const silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const stop = new AbortController();

  const presented = presentedCertificate({ host: '127.0.0.1', port }, 3_600_000, stop.signal);
  const [socket] = (await once(silent, 'connection')) as [Socket];
  socket.on('error', () => {});
  stop.abort(new Error('the node ends'));

  await expect(presented).rejects.toThrow('the node ends');
  await once(socket, 'close');
  silent.close();
});
