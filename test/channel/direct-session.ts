import { pino } from 'pino';
import { PeerSession, type PeerSessionOptions } from '../../src/channel/peer-session.ts';
import type { NodeRow } from '../../src/model/node.ts';
import { runLoop } from '../../src/runtime/run-loop.ts';
import type { DirectLink } from './direct-link.ts';
import type { Replica } from './replica.ts';

/** What a test may set otherwise. */
export type OwnOptions = Partial<
  Pick<PeerSessionOptions<DirectLink>, 'now' | 'steadyMs' | 'otherSources' | 'relayWaitMs' | 'makeLoop'>
>;

/** All that a node runs for a peer at the other end of a link within the process. */
export function directSession(
  self: Replica,
  peer: Replica,
  link: DirectLink,
  maxBatchBytes: number,
  own: OwnOptions = {},
): PeerSession<DirectLink> {
  const options = {
    name: peer.name,
    store: self.store,
    makeLink: () => link,
    server: self.server(maxBatchBytes),
    otherSources: () => [],
    relayWaitMs: 100,
    makeLoop: runLoop,
    now: Date.now,
    steadyMs: (): number => performance.now(),
    log: pino({ level: 'silent' }),
    ...own,
  };
  return new PeerSession(options, rowOf(self, peer));
}

/** What a node knows of its peer. */
export function rowOf(self: Replica, peer: Replica): NodeRow {
  const row = self.store.nodes.get(peer.name);
  if (!row) throw new Error(`${self.name} does not know ${peer.name}`);
  return row;
}
