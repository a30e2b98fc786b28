import type { VerifiedTable } from '../model/replication-control.ts';
import type { PeerSession } from './peer-session.ts';
import type { VerificationResult } from './verification.ts';

const pollMs = 20;
/** A peer that is dialled again is waited for so long. */
const dialMs = 5_000;

/** Has a channel compared with one peer now, or tells what the peer has found if it is the subscriber. */
export async function compareTable(
  session: PeerSession,
  self: string,
  channel: string,
  timeoutMs: number,
): Promise<VerifiedTable> {
  const node = session.name;
  const begunAtMs = performance.now();
  const unreachable = unfinished(node, self, `${node} cannot be reached`);
  const requested = session.verify(channel);
  if (!requested) {
    if (!session.isAlive) return unreachable;
    const told = session.hello?.verified[channel];
    return told ? verdict(node, node, told) : unfinished(node, node, `${node} has not compared it yet`);
  }
  let result: VerificationResult | undefined;
  void requested.then((found) => (result = found));
  while (performance.now() - begunAtMs < timeoutMs) {
    if (result)
      return result.early > 0 ? unfinished(node, self, early(result.early)) : verdict(node, self, result);
    if (!session.isAlive && performance.now() - begunAtMs > dialMs) return unreachable;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return session.isAlive ? unfinished(node, self, `it took longer than ${timeoutMs} ms`) : unreachable;
}

function verdict(
  node: string,
  comparedBy: string,
  result: {
    readonly asOfMs: number;
    readonly rows: number;
    readonly repairedCount: number;
    readonly repaired: readonly (string | number)[];
    readonly onlyHere: number;
  },
): VerifiedTable {
  const { asOfMs, rows, repairedCount, repaired, onlyHere } = result;
  const outcome = repairedCount === 0 ? 'identical' : 'repaired';
  return { node, outcome, comparedBy, asOfMs, rows, repairedCount, repaired, onlyAtSubscriber: onlyHere };
}

function early(count: number): string {
  return `${count} records are ahead of the clock here, and wait in system.hdb_quarantine`;
}

function unfinished(node: string, comparedBy: string, reason: string): VerifiedTable {
  return { node, outcome: 'unfinished', reason, comparedBy };
}
