import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { ChannelStream } from '../../src/stream/channel-stream.ts';
import { StreamPull } from '../../src/stream/stream-pull.ts';
import { BareServer } from './bare-server.ts';

const identity = { storeId: 'store', incarnation: 'table' };
const maxBytes = 2_000;

test('a pull ends where it is full, and says so when what comes next is larger than all of it', async () => {
  await using server = await BareServer.start();
  await using connection = await connect({ servers: `127.0.0.1:${server.port}` });
  const stream = await ChannelStream.open(connection, 'dev:dog');
  await stream.create(identity, { maxBytes: 1 << 20, maxAgeMs: 3_600_000 });
  for (const [index, bytes] of [1_000, 1_000, 5_000].entries()) {
    const seq = index + 1;
    const head = { ...identity, first: seq, last: seq, lastId: `id ${seq}`, isPartial: false };
    await stream.publish(head, new Uint8Array(bytes), seq);
  }
  await stream.provideConsumer('reader', 1);
  const { signal } = new AbortController();
  const pulled = async (delivered: number): Promise<unknown[]> => {
    using pull = new StreamPull({
      connection,
      inboxPrefix: '_INBOX',
      channel: 'dev:dog',
      consumer: 'reader',
      delivered,
      maxMessages: 10,
      maxBytes,
      expiresMs: 5_000,
      heartbeatMs: 1_000,
    });
    const told: unknown[] = [];
    for (;;) {
      const arrived = await pull.next(signal);
      if (arrived === 'quiet') continue;
      if (arrived === 'done' || 'doubt' in arrived) return [...told, arrived];
      told.push(...arrived.map(({ head }) => head.first));
    }
  };

  expect(await pulled(0)).toEqual([1, 'done']);
  expect(await pulled(1)).toEqual([2, 'done']);
  expect(await pulled(2)).toEqual([
    { doubt: 'the next message is larger than a pull may bring', isStuck: true },
  ]);
});
