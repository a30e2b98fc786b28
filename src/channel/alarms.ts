import { durationText } from '../model/duration-text.ts';
import { keyHolders, type KeyedNode, type NodeRow } from '../model/node.ts';
import type { PeerStatus, SubscriptionStatus } from '../model/replication-control.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../store/store.ts';
import { isPublicKey } from '../stream/nkey.ts';
import { sharedKeyProblem } from './admission.ts';
import type { RouteFailure } from './route-dialler.ts';

/** Something that a person should look at before it costs something. */
export interface Alarm {
  /** Names the condition: the same one as long as it lasts, whatever its figures say. */
  readonly key: string;
  readonly text: string;
}

const fillLimit = 0.75;

/** What concerns the node as a whole. */
export function nodeAlarms(store: Store): readonly Alarm[] {
  const quarantined = store.quarantine.count;
  const { fill, fullMs } = store.endurance;
  const { shortage, scarcity, knownAs, nodeName, unsetClock } = store;
  return [
    ...(shortage === undefined
      ? []
      : [{ key: 'disk', text: `writes are refused, and nothing is taken from peers: ${shortage}` }]),
    ...(scarcity === undefined ? [] : [{ key: 'disk room', text: scarcity }]),
    ...(quarantined === 0
      ? []
      : [
          {
            key: 'quarantine',
            text: `${quarantined} ${quarantined === 1 ? 'transaction is' : 'transactions are'} in quarantine: see system.hdb_quarantine`,
          },
        ]),
    ...(fill < fillLimit
      ? []
      : [
          {
            key: 'log',
            text: `the change log takes ${Math.round(fill * 100)} % of changeLog.maxBytes, and its oldest entries go at 100 %: a peer may stay away for ${durationText(fullMs)} at most`,
          },
        ]),
    ...(unsetClock === undefined
      ? []
      : [
          {
            key: 'clock',
            text: `the clock of this node shows ${new Date(unsetClock.showsMs).toISOString()}, though it has been ${new Date(unsetClock.knownMs).toISOString()} already: set it; until then what peers send is not measured by it`,
          },
        ]),
    ...(knownAs === undefined
      ? []
      : [
          {
            key: 'name',
            text: `the peers of this node know it as ${knownAs}, and it was started as ${nodeName}: start it as ${knownAs} again; a node takes another name while it has no peers`,
          },
        ]),
    ...store.nodes.unreadable().map((name) => ({
      key: `${name} unreadable`,
      text: `the row of ${name} in system.hdb_nodes cannot be read, and nothing is exchanged with it: add it again with add_node, or remove it with remove_node`,
    })),
  ];
}

/** Peers that are not let in because their key is another's, or is none. */
export function keyAlarms(self: KeyedNode, rows: readonly NodeRow[]): readonly Alarm[] {
  const holders = keyHolders(self, rows);
  return rows.flatMap(({ name, nkey }) => {
    if (nkey === undefined) return [];
    const text = isPublicKey(nkey)
      ? sharedKeyProblem(holders, { name, nkey })
      : `what ${name} joined with is no key, and it is not let in: remove it with remove_node, and add it again`;
    return text === undefined ? [] : [{ key: `${name} key`, text }];
  });
}

/** Routes that lead to nobody. */
export function routeAlarms(failures: readonly RouteFailure[]): readonly Alarm[] {
  return failures.map(({ route: { host, port }, reason }) => ({
    key: `route ${host}:${port}`,
    text: `the route to ${host}:${port} leads to nobody, and is tried again: ${reason}`,
  }));
}

/** What concerns one peer. */
export function peerAlarms(
  { node, calledName, clock, subscriptions }: PeerStatus,
  maxClockSkewMs: number,
): readonly Alarm[] {
  const isClockOff = clock !== undefined && Math.abs(clock.offsetMs) > maxClockSkewMs / 2;
  return [
    ...(isClockOff
      ? [
          {
            key: `${node} clock`,
            text: `the clock of ${node} is ${durationText(Math.abs(clock.offsetMs))} ${clock.offsetMs > 0 ? 'ahead of' : 'behind'} ours: set the one that is wrong; what is written ${durationText(maxClockSkewMs)} ahead waits in quarantine`,
          },
        ]
      : []),
    ...(calledName === undefined
      ? []
      : [
          {
            key: `${node} name`,
            text: `${node} calls itself ${calledName}: start it as ${node}, or remove ${node} here and there and add ${calledName}`,
          },
        ]),
    ...subscriptions.flatMap((subscription) => enduranceAlarm(node, subscription)),
    ...subscriptions.flatMap((subscription) => standstillAlarm(node, subscription)),
  ];
}

function enduranceAlarm(node: string, { database, table, endurance }: SubscriptionStatus): readonly Alarm[] {
  if (endurance === undefined || endurance.state === 'enough') return [];
  const { mayStayAwayMs, waiting } = endurance;
  const channel = `${database}.${table}`;
  const text =
    endurance.state === 'overtaken'
      ? `the change log no longer has what ${node} lacks of ${channel}: it copies the table when it returns`
      : `${node} may stay away for ${durationText(mayStayAwayMs)} more before it has to copy ${channel}: ${waiting.transactions} transactions wait for it; connect it, or raise changeLog.maxAge and changeLog.maxBytes`;
  return [{ key: `${node} ${channel}`, text }];
}

function standstillAlarm(node: string, { database, table, stillMs }: SubscriptionStatus): readonly Alarm[] {
  if (stillMs === undefined) return [];
  const channel = `${database}.${table}`;
  const text = `nothing of ${channel} has come from ${node} for ${durationText(stillMs)}, though it answers greetings: look into its log, and restart its replication if that says nothing`;
  return [{ key: `${node} ${channel} still`, text }];
}

/** Logs each alarm once when it is raised and once when it is over. */
export class AlarmLog {
  readonly #log: Logger;
  #raised: ReadonlyMap<string, Alarm> = new Map();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** All that hold now. */
  report(alarms: readonly Alarm[]): void {
    const current = new Map(alarms.map((alarm) => [alarm.key, alarm]));
    for (const [key, { text }] of current)
      if (!this.#raised.has(key)) this.#log.warn({ alarm: text }, 'alarm raised');
    for (const [key, { text }] of this.#raised)
      if (!current.has(key)) this.#log.info({ alarm: text }, 'alarm is over');
    this.#raised = current;
  }
}
