import { channelName } from '../../src/model/channel-name.ts';
import type { Change } from '../../src/model/change.ts';
import type { TransactionHeader } from '../../src/model/transaction.ts';
import { cursorRow, type DiskView } from './disk-view.ts';
import type { Life } from './life.ts';
import type { TreeWrite } from './memory-environment.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

export interface LoggedPart {
  readonly seq: number;
  readonly header: TransactionHeader;
  readonly changes: readonly Change[];
  /** Tables of all parts of its log entry. */
  readonly tables: readonly string[];
}

export interface TogetherOptions {
  readonly world: World;
  readonly view: (life: Life) => DiskView;
  /** By store id and incarnation, then by number. */
  readonly histories: ReadonlyMap<string, ReadonlyMap<number, readonly LoggedPart[]>>;
  /** When a copy ended, ms: what is decided meanwhile may still count on it. */
  readonly followedSince: ReadonlyMap<string, number>;
  readonly mayRead: (life: Life, peer: string, channel: string) => boolean;
}

/** Checks that the parts of a transaction in several channels come in one commit. */
export class Together {
  readonly #options: TogetherOptions;

  constructor(options: TogetherOptions) {
    this.#options = options;
  }

  /** Invariant 7: what is followed from one peer appears together. */
  check(node: SimulatedNode, life: Life, view: DiskView, writes: readonly TreeWrite[]): void {
    const moved = writes.filter(({ tree, after }) => tree === 'cursors' && after);
    if (moved.length === 0 || !life.isReady) return;
    const applied = new Set(
      writes
        .filter(({ tree, after }) => tree === 'log' && after)
        .flatMap(({ key }) => view.log.at(Number(key))?.header.id ?? []),
    );
    for (const write of moved) {
      const [tableId, storeId] = write.key as [number, string];
      if (!write.after || !write.before) continue;
      const now = cursorRow(write.after);
      const old = cursorRow(write.before);
      if (now.isCopying || old.isCopying || now.incarnation !== old.incarnation) continue;
      for (let seq = old.seq + 1; seq <= now.seq; seq += 1) {
        const { header, tables = [] } =
          this.#options.histories.get(`${storeId} ${now.incarnation}`)?.get(seq)?.[0] ?? {};
        if (header && tables.length > 1 && applied.has(header.id))
          this.#checkParts(node, life, view, { tableId, storeId, header, tables });
      }
    }
  }

  #checkParts(
    node: SimulatedNode,
    life: Life,
    view: DiskView,
    part: {
      readonly tableId: number;
      readonly storeId: string;
      readonly header: TransactionHeader;
      readonly tables: readonly string[];
    },
  ): void {
    const { tableId, storeId, header, tables } = part;
    const peer = [...this.#options.world.nodes.values()].find(
      ({ life: other }) => other?.isReady && this.#options.view(other).storeId === storeId,
    );
    if (!peer?.life) return;
    for (const name of tables) {
      const table = view.table(name);
      if (!table || table.id === tableId) continue;
      const cursor = view.cursor(table.id, storeId);
      const theirs = this.#options.view(peer.life).table(name);
      if (!cursor || cursor.isCopying || cursor.incarnation !== theirs?.incarnation) continue;
      const seq = [...(this.#options.histories.get(`${storeId} ${theirs.incarnation}`)?.values() ?? [])]
        .flat()
        .find((entry) => entry.header.id === header.id)?.seq;
      if (seq === undefined || cursor.seq >= seq || peer.life.store.log.head(theirs.id).trimmedSeq >= seq)
        continue;
      const since = this.#options.followedSince.get(`${node.name} ${table.id} ${storeId}`) ?? 0;
      if (this.#options.world.scheduler.nowMs - since < 1_000) continue;
      const own = life.store.nodes
        .get(peer.name)
        ?.subscriptions.find((subscription) => subscription.table === name);
      if (
        !own?.subscribe ||
        own.stopped ||
        !this.#options.mayRead(peer.life, node.name, channelName('d', name))
      )
        continue;
      // Nobody waits for a channel that the publisher did not offer when it was last asked, or that has been ended
      // though it is agreed on again by now: that decision is not in force yet, and begins anew.
      const told = life.sessions
        .get(peer.name)
        ?.status()
        .subscriptions.find((one) => one.table === name);
      if (told?.state === 'waiting' || told?.state === 'idle') continue;
      const message = `${node.name} applies transaction ${header.id} of ${peer.name} without its part in ${name}`;
      this.#options.world.violate(new Violation(7, message));
    }
  }
}
