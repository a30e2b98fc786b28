import type { VerifiedTable } from '../model/replication-control.ts';
import { stoppedReason } from '../model/subscription.ts';
import { isSoon } from '../runtime/is-soon.ts';
import type { PeerSession } from './peer-session.ts';
import type { VerificationResult } from './verification.ts';

/** A peer that is dialled again is waited for so long. */
const dialMs = 5_000;

/** Has a channel compared with one peer now, by the peer if that is the subscriber. */
export async function compareTable(
  session: PeerSession,
  self: string,
  channel: string,
  timeoutMs: number,
): Promise<VerifiedTable> {
  const node = session.name;
  const ours = session.verify(channel);
  const by = ours ? self : node;
  const found = ours ? resultOf(ours) : resultOfPeer(session, channel);
  const begunAtMs = performance.now();
  const isUnreachable = (): boolean => !session.isAlive && (!ours || performance.now() - begunAtMs > dialMs);
  const isStopped = (): boolean => !ours && session.hello?.stopped?.includes(channel) === true;
  await isSoon(() => found() !== undefined || isUnreachable() || isStopped(), timeoutMs);
  const result = found();
  if (result) return result.early > 0 ? unfinished(node, by, early(result.early)) : verdict(node, by, result);
  if (!session.isAlive) return unfinished(node, by, `${node} cannot be reached`);
  if (isStopped()) return unfinished(node, by, stoppedReason(node));
  return unfinished(node, by, `it took longer than ${timeoutMs} ms`);
}

function resultOf(requested: Promise<VerificationResult>): () => VerificationResult | undefined {
  let result: VerificationResult | undefined;
  void requested.then((found) => (result = found));
  return () => result;
}

/** The peer tells nothing of a comparison that found rows ahead of its clock. */
function resultOfPeer(session: PeerSession, channel: string): () => VerificationResult | undefined {
  const request = session.askToCompare(channel);
  return () => {
    const told = session.hello?.verified[channel];
    return told && (told.request ?? 0) >= request ? { ...told, early: 0 } : undefined;
  };
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
  const found = { node, outcome, comparedBy, asOfMs, rows, repairedCount, repaired } as const;
  if (onlyHere === 0) return { ...found, onlyAtSubscriber: 0 };
  const reason = `records that are only at ${comparedBy} stay there (${onlyHere}): where it publishes the table too, the comparison that its peer makes takes them`;
  return { ...found, reason, onlyAtSubscriber: onlyHere };
}

function early(count: number): string {
  return `${count} records are ahead of the clock here, and wait in system.hdb_quarantine`;
}

function unfinished(node: string, comparedBy: string, reason: string): VerifiedTable {
  return { node, outcome: 'unfinished', reason, comparedBy };
}
