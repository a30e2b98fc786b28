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

test('the consumers of a stream are listed, until they are removed', async () => {
  await using server = await BareServer.start();
  await using connection = await connect({ servers: `127.0.0.1:${server.port}` });
  const stream = await streamServer(connection).open('dev:dog');
  expect(await stream.consumers()).toEqual([]);
  await stream.create({ storeId: 'store', incarnation: 'table' }, { maxBytes: 1 << 20, maxAgeMs: 60_000 });

  for (const name of ['a', 'b']) await stream.provideConsumer(name, 1);

  expect([...(await stream.consumers())].toSorted()).toEqual(['a', 'b']);
  await stream.removeConsumer('a');
  expect(await stream.consumers()).toEqual(['b']);
});
