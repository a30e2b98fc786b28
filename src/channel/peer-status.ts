import type { ClockReading } from '../model/clock-reading.ts';
import type { PeerStatus, SubscriptionStatus } from '../model/replication-control.ts';
import type { LinkState } from './link-state.ts';
import type { ProofOfLife } from './proof-of-life.ts';

export interface PeerFacts {
  readonly name: string;
  /** Proof of life within the last few seconds. */
  readonly isAlive: boolean;
  readonly life: ProofOfLife;
  /** Of our own link; undefined while no address is known. */
  readonly link: LinkState | undefined;
  readonly clock: ClockReading | undefined;
  readonly subscriptions: readonly SubscriptionStatus[];
}

/** What is true of a peer now; never greener than what was last heard. */
export function peerStatus(facts: PeerFacts): PeerStatus {
  const { name, isAlive, life, link, clock, subscriptions } = facts;
  const { hello, heardMs } = life;
  return {
    node: name,
    status: isAlive ? 'open' : connectionOf(link),
    subscriptions,
    ...(isAlive ? {} : { reason: silenceOf(name, link) }),
    ...(link?.kind === 'open' ? { latencyMs: link.latencyMs } : {}),
    ...(hello && hello.name !== name ? { calledName: hello.name } : {}),
    ...(clock ? { clock } : {}),
    ...(isAlive ? { connectedSinceMs: life.sinceMs } : {}),
    ...(heardMs === undefined ? {} : { lastSeenMs: heardMs }),
    ...(isAlive ? { dialledBy: diallerOf(facts) } : {}),
    ...(hello
      ? {
          systemInfo: {
            hdb_version: hello.system.lyre,
            node_version: hello.system.node,
            platform: hello.system.platform,
          },
          ports: { clustering: hello.system.clusterPort, operations_api: hello.system.apiPort },
        }
      : {}),
  };
}

/** Why a peer cannot be heard. */
export function silenceOf(name: string, link: LinkState | undefined): string {
  if (link?.kind === 'refused' || link?.kind === 'closed') return link.reason;
  if (link) return 'connecting';
  return `no address of ${name} is known; waiting for it to connect`;
}

/** Of a peer that is silent: an open link to it proves nothing. */
function connectionOf(link: LinkState | undefined): PeerStatus['status'] {
  if (link?.kind === 'refused') return 'refused';
  return link?.kind === 'idle' ? 'connecting' : 'closed';
}

function diallerOf({ link, life }: PeerFacts): 'us' | 'them' | 'both' {
  if (link?.kind !== 'open') return 'them';
  return life.isDialledByPeer ? 'both' : 'us';
}
