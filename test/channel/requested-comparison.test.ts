import { expect, test, vi } from 'vitest';
import type * as z from 'zod';
import { compareTable } from '../../src/channel/compare-table.ts';
import type { PeerSession } from '../../src/channel/peer-session.ts';
import type { ApplyRequest } from '../../src/channel/protocol.ts';
import type { VerifiedTable } from '../../src/model/replication-control.ts';
import { DirectLink } from './direct-link.ts';
import { directSession, rowOf } from './direct-session.ts';
import { openPair, records, type Pair } from './replica-pair.ts';
import { keysOf, settle } from './replica.ts';

const channel = 'dev:dog';
const limitMs = 10_000;
const identical = { node: 'a', outcome: 'identical', comparedBy: 'b', rows: 20_000 };

/** A node that dials its peer, which also pushes to it, with more rows on both than one answer can compare. */
class Dialler implements AsyncDisposable {
  readonly link: DirectLink;
  readonly #nodes: Pair;
  readonly #session: PeerSession<DirectLink>;

  private constructor(nodes: Pair) {
    const { a, b } = nodes;
    this.#nodes = nodes;
    this.link = new DirectLink(b, a, () => this.#session, 1 << 20);
    this.#session = directSession(b, a, this.link, 1 << 20);
  }

  static async open(): Promise<Dialler> {
    const nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(identical.rows));
    await settle(a, b);
    const dialler = new Dialler(nodes);
    await dialler.#session.update({ ...rowOf(b, a), host: 'there', port: 1 });
    dialler.#session.heard(a.hello(b), 'our link');
    return dialler;
  }

  async verify(): Promise<VerifiedTable> {
    return compareTable(this.#session, 'b', channel, limitMs);
  }

  async decideAnew(): Promise<void> {
    const { a, b } = this.#nodes;
    const row = rowOf(b, a);
    const subscriptions = row.subscriptions.map((one) => ({ ...one, version: one.version + 1 }));
    await this.#session.update({ ...row, subscriptions, host: 'there', port: 1 });
  }

  up(): void {
    this.link.isOpen = true;
    this.#session.linkChanged();
  }

  down(): void {
    this.link.isOpen = false;
    this.#session.linkChanged();
  }

  /** Runs once the peer has answered the first question of a comparison; that answer is lost. */
  loseFirstDigest(then: () => void): void {
    const { link } = this;
    const request = link.request.bind(link);
    link.request = async <T>(service: string, body: unknown, schema: z.ZodType<T>): Promise<T> => {
      const answer = await request(service, body, schema);
      if (service !== 'digest') return answer;
      link.request = request;
      then();
      throw new Error('lost');
    };
  }

  /** The peer brings what is asked for until the comparison has come to its end. */
  async pushUntil(compared: Promise<VerifiedTable>): Promise<void> {
    let response: ApplyRequest['response'] = null;
    let isOver = false;
    void compared.then(() => (isOver = true));
    while (!isOver) {
      const { next } = await this.#session.push({ channel, response });
      response = next && (await this.#nodes.a.server().answer('b', next));
      await new Promise(setImmediate);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    await this.#nodes[Symbol.asyncDispose]();
  }
}

test('a comparison that is asked for before our link is up is made over it', async () => {
  await using dialler = await Dialler.open();
  const compared = dialler.verify();

  dialler.up();

  expect(await compared).toMatchObject(identical);
});

test('a comparison whose link is lost on the way is made over the link of the peer', async () => {
  await using dialler = await Dialler.open();
  dialler.up();
  const lost = new Promise<void>((resolve) => {
    dialler.loseFirstDigest(() => {
      dialler.down();
      resolve();
    });
  });
  const compared = dialler.verify();
  await lost;

  await dialler.pushUntil(compared);

  expect(await compared).toMatchObject(identical);
});

test('a comparison that is asked for before its subscription is decided anew is made with the new one', async () => {
  await using dialler = await Dialler.open();
  const compared = dialler.verify();
  await dialler.decideAnew();

  dialler.up();

  expect(await compared).toMatchObject(identical);
});

test('a comparison by push lets what is new pass between its questions', async () => {
  await using nodes = await openPair({}, { publish: true, subscribe: false });
  const { a, b } = nodes;
  await a.upsert(...records(identical.rows));
  await settle(a, b);
  const link: DirectLink = new DirectLink(a, b, () => pushedTo, 1 << 20);
  link.isOpen = true;
  await using pushedTo = directSession(b, a, link, 1 << 20);
  await using pushing = directSession(a, b, link, 1 << 20);
  await pushedTo.update(rowOf(b, a));
  pushedTo.heard(a.hello(b), 'their link');
  const kinds = (): string[] => link.carried.map(({ kind }) => kind).filter((kind) => kind !== 'begin');
  const compared = compareTable(pushedTo, 'b', channel, 15_000);

  await pushing.update({ ...rowOf(a, b), host: 'there', port: 1 });

  expect(await compared).toMatchObject(identical);
  expect(kinds()).toEqual(['items', 'digest', 'items', 'digest', 'items', 'digest', 'items']);
  await a.upsert({ id: 'new' });
  pushing.wake();
  await vi.waitFor(() => expect(keysOf(b)).toContain('new'));
});

test('a comparison that the publisher asks for is made by the subscriber, and is none that was told before, wherever its clock stands', async () => {
  await using nodes = await openPair({}, { publish: true, subscribe: false });
  const { a, b } = nodes;
  await a.upsert(...records(10));
  await settle(a, b);
  const link: DirectLink = new DirectLink(a, b, () => subscriber, 1 << 20);
  link.isOpen = true;
  await using subscriber = directSession(b, a, link, 1 << 20);
  let nowMs = 1_800_000_000_000;
  await using publisher = directSession(a, b, link, 1 << 20, { now: () => nowMs });
  const greet = (): void => {
    subscriber.heard({ ...a.hello(b), compare: publisher.compare }, 'their link');
    const { early: _none, ...told } = subscriber.verified(channel) ?? { early: 0 };
    const verified = 'rows' in told ? { [channel]: { ...told, repaired: [] } } : {};
    const asking = [...subscriber.asking];
    publisher.heard({ ...b.hello(a), isDialling: false, verified, asking }, 'our link');
  };
  await subscriber.update(rowOf(b, a));
  greet();
  await publisher.update({ ...rowOf(a, b), host: 'there', port: 1 });
  const whileGreeting = async <T>(compared: Promise<T> | undefined): Promise<T | undefined> => {
    const greeting = setInterval(greet, 10);
    return compared?.finally(() => clearInterval(greeting));
  };
  const compare = async (): Promise<VerifiedTable | undefined> =>
    whileGreeting(compareTable(publisher, 'a', channel, limitMs));
  expect(await compare()).toMatchObject({ node: 'b', outcome: 'identical', comparedBy: 'b', rows: 10 });
  await a.upsert({ id: 'later' });
  // The subscriber hears of it too late.
  expect(await compareTable(publisher, 'a', channel, 50)).toMatchObject({
    outcome: 'unfinished',
    reason: 'it took longer than 50 ms',
  });

  expect(await compare()).toMatchObject({ outcome: 'identical', comparedBy: 'b', rows: 11 });
  // One that nobody asked for comes between, and the clock of the publisher is set back.
  await whileGreeting(subscriber.verify(channel));
  greet();
  nowMs -= 3_600_000;
  expect(await compare()).toMatchObject({ outcome: 'identical', comparedBy: 'b', rows: 11 });

  await b.upsert({ id: 'only at b' });
  expect(await compare()).toMatchObject({
    outcome: 'identical',
    reason: expect.stringContaining('records that are only at b stay there (1)'),
    onlyAtSubscriber: 1,
  });

  expect(publisher.compare).toEqual({});
  subscriber.heard(a.hello(b), 'their link');
  publisher.heard({ ...b.hello(a), stopped: [channel] }, 'our link');
  expect(await compareTable(publisher, 'a', channel, limitMs)).toMatchObject({
    outcome: 'unfinished',
    reason: 'the table was dropped at b: update_node there with this channel takes it up again',
  });
});
