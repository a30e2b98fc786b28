import type { NodeRow } from '../model/node.ts';
import type { PeerLink } from './peer-link.ts';
import type { PeerSession } from './peer-session.ts';
import type { WireCursor } from './wire-fields.ts';

export interface PeerSessionsOptions<L extends PeerLink> {
  /** Peers that are not removed, as they are now. */
  readonly rows: () => readonly NodeRow[];
  readonly make: (row: NodeRow) => PeerSession<L>;
}

/** The sessions of all peers, and what one of them has to know of the others. */
export class PeerSessions<L extends PeerLink> {
  readonly #options: PeerSessionsOptions<L>;
  readonly #sessions = new Map<string, PeerSession<L>>();

  constructor(options: PeerSessionsOptions<L>) {
    this.#options = options;
  }

  get(peer: string): PeerSession<L> | undefined {
    return this.#sessions.get(peer);
  }

  values(): IterableIterator<PeerSession<L>> {
    return this.#sessions.values();
  }

  isAlive(peer: string): boolean {
    return this.#sessions.get(peer)?.isAlive ?? false;
  }

  /** Names of the peers that are alive. */
  get alive(): readonly string[] {
    return [...this.#sessions.values()].filter(({ isAlive }) => isAlive).map(({ name }) => name);
  }

  /** Something was committed here. */
  wake(): void {
    for (const session of this.#sessions.values()) session.wake();
  }

  /** Lets go of those whose peers are not among the rows; they are the caller's to end. */
  release(rows: readonly NodeRow[]): readonly PeerSession<L>[] {
    const names = new Set(rows.map(({ name }) => name));
    const gone = [...this.#sessions.values()].filter(({ name }) => !names.has(name));
    for (const { name } of gone) this.#sessions.delete(name);
    return gone;
  }

  /** Makes what runs for each peer fit its row. */
  async update(rows: readonly NodeRow[]): Promise<void> {
    for (const row of rows) {
      const session = this.#sessions.get(row.name) ?? this.#options.make(row);
      this.#sessions.set(row.name, session);
      await session.update(row);
    }
  }

  /** Names of the peers that are alive and publish the table to us, but for one. */
  sourcesOf(database: string, table: string, except: string): readonly string[] {
    return this.#options
      .rows()
      .filter(({ name, subscriptions }) => {
        if (name === except || !this.isAlive(name)) return false;
        return subscriptions.some(
          (candidate) => candidate.subscribe && candidate.database === database && candidate.table === table,
        );
      })
      .map(({ name }) => name);
  }

  /** What the peers that are alive say they hold of a channel of ours. */
  toldCursors(channel: string): readonly WireCursor[] {
    return [...this.#sessions.values()].flatMap(({ isAlive, hello }) =>
      isAlive ? (hello?.cursors[channel] ?? []) : [],
    );
  }
}
