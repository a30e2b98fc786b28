import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { LinkState } from '../../src/channel/link-state.ts';
import type { Patience, PeerLink } from '../../src/channel/peer-link.ts';
import { PeerSession } from '../../src/channel/peer-session.ts';
import { runLoop } from '../../src/runtime/run-loop.ts';
import type { ChannelPull } from '../../src/stream/stream-pull.ts';
import { rowOf } from './direct-session.ts';
import { openPair } from './replica-pair.ts';

/** A link on which answers are on their way for ever. */
class EndlessLink implements PeerLink {
  readonly state: LinkState = { kind: 'open', sinceMs: 0, seenMs: 0, latencyMs: 1 };
  readonly isOpen = true;
  readonly asked: string[] = [];
  readonly givenUp: string[] = [];

  start(): void {}

  async request<T>(service: string, _body: unknown, _schema: unknown, patience: Patience = {}): Promise<T> {
    this.asked.push(service);
    return new Promise((_resolve, reject) => {
      patience.signal?.addEventListener('abort', () => {
        this.givenUp.push(service);
        reject(new Error('given up'));
      });
    });
  }

  pull(): ChannelPull {
    throw new Error('There are no streams here');
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

test('a subscription ends without waiting for answers that are on their way, in both directions', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  const link = new EndlessLink();
  await using session = new PeerSession<PeerLink>(
    {
      name: b.name,
      store: a.store,
      server: a.server(1_000),
      makeLink: () => link,
      otherSources: () => [],
      relayWaitMs: 100,
      makeLoop: runLoop,
      now: Date.now,
      steadyMs: () => performance.now(),
      log: pino({ level: 'silent' }),
    },
    rowOf(a, b),
  );
  const row = { ...rowOf(a, b), host: 'there', port: 1 };
  await session.update(row);
  await expect.poll(() => [...link.asked].toSorted()).toEqual(['apply', 'subscribe']);

  await session.update({ ...row, subscriptions: [] });

  expect(link.givenUp.toSorted()).toEqual(['apply', 'subscribe']);
});
