import * as z from 'zod';
import { CodedError, messageOf } from '../../model/errors.ts';
import { durationText } from '../../model/duration-text.ts';
import type { Endurance } from '../../model/endurance.ts';
import type { NodeRow, Subscription } from '../../model/node.ts';
import type {
  PeerStatus,
  ReplicationControl,
  ReplicationStatus,
  SubscriptionStatus,
} from '../../model/replication-control.ts';
import { defaultPriority, stoppedReason } from '../../model/subscription.ts';
import { clusterStatusAnswer } from './cluster-status-answer.ts';
import { defineOperation } from '../operation.ts';
import { currentSubscriptions } from './node-row.ts';
import { oneDecimal } from './one-decimal.ts';
import { uptimeText } from './uptime-text.ts';
import { withoutUndefined } from './without-undefined.ts';

/** Every peer, what connects us and how far each channel has come. Never fails because replication is down. */
export const clusterStatus = defineOperation({
  name: 'cluster_status',
  refusalName: 'clusterStatus',
  permission: 'super_user',
  request: z.object({}),
  response: clusterStatusAnswer,
  async run({ store, replication, now }) {
    const asked = await askStatus(replication);
    const peers = new Map((asked.status?.peers ?? []).map((peer) => [peer.node, peer]));
    const nowMs = now();
    return {
      node_name: store.nodeName,
      is_enabled: replication !== undefined,
      ...(asked.status === undefined
        ? { nats: 'unknown', reason: asked.reason }
        : { nats: asked.status.nats, alarms: asked.status.alarms }),
      connections: store.nodes
        .known()
        .map((row) => connection(row, peers.get(row.name), asked.reason, nowMs)),
    };
  },
});

interface Asked {
  readonly status: ReplicationStatus | undefined;
  /** Why nothing better than `closed` can be said of a peer without a status. */
  readonly reason: string;
}

async function askStatus(replication: ReplicationControl | undefined): Promise<Asked> {
  if (replication === undefined)
    return { status: undefined, reason: 'clustering is not enabled on this node' };
  try {
    return { status: await replication.status(), reason: 'not tried yet' };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { status: undefined, reason: `replication is not running: ${messageOf(error)}` };
  }
}

function connection(
  row: NodeRow,
  peer: PeerStatus | undefined,
  reason: string,
  nowMs: number,
): Readonly<Record<string, unknown>> {
  const states = new Map(
    (peer?.subscriptions ?? []).map((status) => [`${status.database}\n${status.table}`, status]),
  );
  const told = peer === undefined ? reason : peer.reason;
  return withoutUndefined({
    node_name: row.name,
    status: peer?.status ?? 'closed',
    reason: told,
    host: row.host,
    port: row.port,
    ports: peer?.ports ?? (row.port === undefined ? undefined : { clustering: row.port }),
    latency_ms: rounded(peer?.latencyMs),
    clock_offset_ms: rounded(peer?.clock?.offsetMs),
    clock_uncertainty_ms: rounded(peer?.clock?.uncertaintyMs),
    alarms: peer?.alarms,
    uptime: peer?.connectedSinceMs === undefined ? undefined : uptimeText(nowMs - peer.connectedSinceMs),
    connected_since: peer?.connectedSinceMs,
    last_seen: peer?.lastSeenMs,
    dialled_by: peer?.dialledBy,
    subscriptions: currentSubscriptions(row).map((subscription) =>
      subscriptionStatus(subscription, states.get(`${subscription.database}\n${subscription.table}`)),
    ),
    system_info: peer?.systemInfo,
  });
}

function subscriptionStatus(
  subscription: Subscription,
  status: SubscriptionStatus | undefined,
): Readonly<Record<string, unknown>> {
  const { startTimeMs, stopped, onDelete } = subscription;
  const copy = status?.copy;
  return withoutUndefined({
    schema: subscription.database,
    table: subscription.table,
    publish: subscription.publish,
    subscribe: subscription.subscribe,
    start_time: startTimeMs === undefined ? undefined : new Date(startTimeMs).toISOString(),
    on_delete: onDelete,
    priority: subscription.priority ?? defaultPriority,
    state: stopped === undefined ? status?.state : 'stopped',
    reason: stopped === undefined ? status?.reason : stoppedReason(),
    copy:
      copy &&
      withoutUndefined({
        rows: copy.rows,
        total: copy.total,
        rate: copy.rate === undefined ? undefined : rounded(copy.rate),
        eta_seconds: copy.etaSeconds === undefined ? undefined : rounded(copy.etaSeconds),
      }),
    lag_transactions: status?.lagTransactions,
    lag_ms: status?.lagMs,
    unconfirmed: status?.unconfirmed,
    ...enduranceFields(status?.endurance),
    conflicts: status?.conflicts,
    quarantined: status?.quarantined,
    identical_as_of:
      status?.identicalAsOfMs === undefined ? undefined : new Date(status.identicalAsOfMs).toISOString(),
  });
}

/** Of a peer that we publish to: what waits for it, and how long the change log keeps that. */
function enduranceFields(endurance: Endurance | undefined): Readonly<Record<string, unknown>> {
  if (!endurance) return {};
  const { waiting, growthBytesPerDay, mayStayAwayMs } = endurance;
  return {
    waiting: withoutUndefined(waiting),
    growth_bytes_per_day: growthBytesPerDay === undefined ? undefined : Math.round(growthBytesPerDay),
    may_stay_away_ms: mayStayAwayMs,
    may_stay_away: durationText(mayStayAwayMs),
  };
}

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : oneDecimal(value);
}
