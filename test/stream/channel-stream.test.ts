import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { streamServer } from '../../src/stream/channel-stream.ts';
import { BareServer } from './bare-server.ts';

test('the streams of a server are listed, and each says whose it is and what limits it', async () => {
  await using server = await BareServer.start();
  await using connection = await connect({ servers: `127.0.0.1:${server.port}` });
  const streams = streamServer(connection);
  const identity = { storeId: 'store', incarnation: 'table' };
  const limits = { maxBytes: 1 << 20, maxAgeMs: 400 * 86_400_000 };
  const stream = await streams.open('dev:dog');

  await stream.create(identity, limits);
  await (await streams.open('dev:cat')).create(identity, limits);

  expect([...(await streams.list())].toSorted()).toEqual(['dev:cat', 'dev:dog']);
  expect(await stream.state()).toMatchObject({ identity, limits });
  await stream.remove();
  expect(await streams.list()).toEqual(['dev:cat']);
});
