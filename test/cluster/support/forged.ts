import { agreementKey, Proofs } from '../../../src/channel/agreement.ts';
import { hello, type Hello, protocolVersion } from '../../../src/channel/hello.ts';
import {
  applyResponse,
  channelResponse,
  type ApplyResponse,
  type ChannelRequest,
  type ChannelResponse,
} from '../../../src/channel/protocol.ts';
import type { SharedSubscription } from '../../../src/model/subscription.ts';
import { decodeChanges, encodeChanges, encodeDocument } from '../../../src/model/transaction-codec.ts';
import { msToVersion } from '../../../src/model/version-clock.ts';
import type { HistoryPlace } from './guarded-cluster.ts';
import type { NatsClient } from './nats-client.ts';

/** What every node of these clusters knows and a thief of a key does not. */
export const clusterUser = { user: 'cluster_user', password: 'cluster secret' };

const storeId = 'a-store-that-is-not';

/** What a peer says of itself when it has nothing to say. */
export function helloOf(name: string): Hello {
  return {
    protocol: protocolVersion,
    name,
    storeId,
    clockMs: Date.now(),
    system: { lyre: '0.0.0', node: '0.0.0', platform: 'linux', apiPort: 1, clusterPort: 1 },
    maxTransactionBytes: 1 << 20,
    isDialling: false,
    addedVersion: 0,
    subscriptions: [],
    heads: {},
    cursors: {},
    verified: {},
    links: [],
    routes: [],
  };
}

/** Says hello as the peer with these subscriptions, and gives what the node says of itself. */
export async function greet(
  client: NatsClient,
  peer: string,
  subscriptions: Hello['subscriptions'] = [],
  changes: Partial<Hello> = {},
): Promise<Hello> {
  return client.call(`svc.${peer}.hello`, { ...helloOf(peer), subscriptions, ...changes }, hello);
}

/** A subscription with the proof that a node makes which knows the cluster user. */
export async function proven(
  from: string,
  to: string,
  subscription: SharedSubscription,
  password = clusterUser.password,
): Promise<Hello['subscriptions'][number]> {
  const proofs = new Proofs(await agreementKey(clusterUser.user, password));
  return { ...subscription, proof: proofs.prove(from, to, subscription) };
}

/** A version that is newer than any decision so far. */
export function newestVersion(): number {
  return msToVersion(Date.now() + 1_000);
}

/** Asks for a channel in each way that there is: from nothing, and from a place that really exists. */
export async function askFor(
  client: NatsClient,
  peer: string,
  channel: string,
  place: HistoryPlace,
): Promise<readonly ChannelResponse[]> {
  const questions: readonly ChannelRequest[] = [
    { kind: 'subscribe', channel, sources: [] },
    { kind: 'subscribe', channel, primaryKey: 'id', cursor: place, sources: [] },
    { kind: 'pull', channel, cursor: { ...place, seq: 0, id: '' }, sources: [], bodies: true, pieces: 0 },
    { kind: 'pull', channel, cursor: place, sources: [], bodies: true, pieces: 0 },
    { kind: 'copy', channel, cursor: place, copyId: 'x', after: null, newerThan: 0 },
  ];
  const answers: ChannelResponse[] = [];
  for (const question of questions)
    answers.push(await client.call(`svc.${peer}.${question.kind}`, question, channelResponse));
  return answers;
}

/** Reads a table as a subscriber does: the copy, to its end. */
export async function copyOf(
  client: NatsClient,
  peer: string,
  channel: string,
): Promise<{ readonly keys: readonly unknown[]; readonly place: HistoryPlace }> {
  const service = (kind: ChannelRequest['kind']): string => `svc.${peer}.${kind}`;
  const begin = await client.call(
    service('subscribe'),
    { kind: 'subscribe', channel, sources: [] },
    channelResponse,
  );
  if (begin.kind !== 'begin' || begin.start.kind !== 'copy')
    throw new Error(`no copy of ${channel} is offered: ${JSON.stringify(begin)}`);
  const { copyId, noted } = begin.start;
  const place: HistoryPlace = { ...begin.identity, ...noted };
  const page = await client.call(
    service('copy'),
    { kind: 'copy', channel, cursor: place, copyId, after: null, newerThan: 0 },
    channelResponse,
  );
  if (page.kind !== 'page') throw new Error(`no page of ${channel} came: ${JSON.stringify(page)}`);
  return { keys: decodeChanges(page.rows).map(({ key }) => key), place };
}

/** Pushes a record into a table as a publisher does that cannot be dialled; gives what the node said on the way. */
export async function plant(
  client: NatsClient,
  peer: string,
  channel: string,
  document: Readonly<Record<string, unknown>> & { readonly id: string },
): Promise<readonly ApplyResponse[]> {
  const identity = { storeId, incarnation: `planted-${document.id}` };
  const noted = { seq: 1, id: 'planted-transact' };
  const copyId = `copy-${document.id}`;
  const push = (response: ChannelResponse | null): Promise<ApplyResponse> =>
    client.call(`svc.${peer}.apply`, { channel, response }, applyResponse);
  return [
    await push(null),
    await push({
      kind: 'begin',
      identity,
      primaryKey: 'id',
      head: { seq: 1, committedAtMs: Date.now() },
      start: { kind: 'copy', copyId, noted, total: 1, marks: [] },
    }),
    await push({
      kind: 'page',
      identity,
      copyId,
      noted,
      total: 1,
      rows: encodeChanges([
        {
          key: document.id,
          bytes: encodeDocument(document),
          version: msToVersion(Date.now()),
          origin: { name: peer, storeId },
          base: null,
        },
      ]),
      lastKey: document.id,
      isLast: true,
    }),
  ];
}
