import { ChannelServer, type ChannelServerOptions } from '../../src/channel/channel-server.ts';
import { PartGate } from '../../src/channel/part-gate.ts';
import { PeerSession } from '../../src/channel/peer-session.ts';
import type { ChannelRequest, ChannelResponse } from '../../src/channel/protocol.ts';
import type { Change, Key } from '../../src/model/change.ts';
import { decodeChanges } from '../../src/model/transaction-codec.ts';
import { nextVersion } from '../../src/model/version-clock.ts';
import { Commit } from '../../src/store/commit.ts';
import { Heard } from '../../src/store/heard.ts';
import type { Life } from './life.ts';
import type { MemoryDisk } from './memory-environment.ts';
import type { FaultKind } from './plan.ts';

/** A defect put into the core, to prove that the simulator sees it. */
export interface Mutation {
  readonly name: string;
  /** The invariant, as docs/correctness.md numbers them, that it is meant to break: its histories end with no other. */
  readonly shows?: number;
  readonly channelServer?: (options: ChannelServerOptions) => ChannelServer;
  /** A process has started, and nothing of it runs yet. */
  readonly life?: (life: Life) => void;
  readonly committed?: (life: Life) => void;
  readonly died?: (life: Life) => void;
  /** Once, around all histories: changes a class; returns what puts it back. */
  readonly install?: () => () => void;
  /** What its histories are made of, when it takes a rare meeting of faults to show. */
  readonly faults?: readonly FaultKind[];
  /** Where its histories begin, when those of the seeds before take long and show nothing. */
  readonly firstSeed?: number;
}

export const none: Mutation = { name: 'none' };

/** Replaces a method for as long as the mutation lasts. */
function replaced<T extends object, K extends keyof T>(target: T, name: K, method: T[K]): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { value: method, configurable: true, writable: true });
  return () => {
    if (before) Object.defineProperty(target, name, before);
  };
}

/** Writes to a table behind the store's back. */
function forget(life: Life, tableId: number, keys: readonly Key[]): Promise<void> {
  const { records } = life.environment.trees;
  return life.environment.commit(() => {
    for (const key of keys) records.removeSync([tableId, key]);
  });
}

/** A channel server whose answers or questions are changed. */
class ChangedServer extends ChannelServer {
  readonly #ask: (request: ChannelRequest) => ChannelRequest;

  constructor(options: ChannelServerOptions, ask: (request: ChannelRequest) => ChannelRequest) {
    super(options);
    this.#ask = ask;
  }

  override async answer(peer: string, request: ChannelRequest): Promise<ChannelResponse> {
    return super.answer(peer, this.#ask(request));
  }
}

const disks = new WeakMap<Life, MemoryDisk[]>();

export const mutations: readonly Mutation[] = [
  {
    name: 'what is acknowledged is not flushed',
    shows: 1,
    faults: ['crash'],
    committed: (life) => {
      const { disk } = life.node;
      const kept = [...(disks.get(life) ?? []), disk.copy(disk.inode)].slice(-3);
      disks.set(life, kept);
    },
    died: (life) => {
      const [older] = disks.get(life) ?? [];
      if (older) life.node.disk = older;
    },
  },
  {
    name: 'a copy leaves out tombstones',
    shows: 2,
    life: ({ store }) => {
      const copyRows = store.copyRows.bind(store);
      Object.assign(store, {
        copyRows: (...args: Parameters<typeof copyRows>) => {
          const page = copyRows(...args);
          return { ...page, rows: page.rows.filter(({ bytes }) => bytes !== null) };
        },
      });
    },
  },
  {
    name: 'copied rows are signed by the copier',
    shows: 3,
    life: ({ store }) => {
      const applyCopy = store.applyCopy.bind(store);
      Object.assign(store, {
        applyCopy: async (...[source, page]: Parameters<typeof applyCopy>) => {
          const rows = page.rows.map((row): Change => ({ ...row, origin: store.identity }));
          return applyCopy(source, { ...page, rows });
        },
      });
    },
  },
  {
    name: 'a copy replaces instead of merging',
    shows: 6,
    life: (life) => {
      const { store } = life;
      const applyCopy = store.applyCopy.bind(store);
      Object.assign(store, {
        applyCopy: async (...[source, page]: Parameters<typeof applyCopy>) => {
          await forget(
            life,
            source.table.id,
            page.rows.map(({ key }) => key),
          );
          return applyCopy(source, page);
        },
      });
    },
  },
  {
    name: 'a gap is passed over',
    shows: 8,
    firstSeed: 4_700,
    faults: ['stream', 'cut'],
    life: ({ store }) => {
      const apply = store.apply.bind(store);
      Object.assign(store, {
        apply: async (...[source, items]: Parameters<typeof apply>) => {
          const result = await apply(source, items);
          const [first] = items;
          if (result.stop?.kind !== 'gap' || !result.cursor || !first) return result;
          const { found } = result.stop;
          await store.putCursor(source.storeId, source.table, { ...result.cursor, seq: found - 1 });
          return apply(source, items);
        },
      });
    },
  },
  {
    name: 'the last transaction of a batch is shown before the others',
    shows: 4,
    life: ({ store }) => {
      const apply = store.apply.bind(store);
      Object.assign(store, {
        apply: async (...[source, items]: Parameters<typeof apply>) => {
          const cursor = store.cursors.get(source.storeId, source.table.id);
          const last = items.at(-1);
          if (cursor && !cursor.copy && last?.kind === 'whole' && last.seq > cursor.seq + 1)
            await store.comparison.repair(source, decodeChanges(last.changes));
          return apply(source, items);
        },
      });
    },
  },
  {
    name: 'marks are not kept',
    shows: 5,
    life: ({ store }) => {
      Object.assign(store.marks, { raise: () => undefined });
    },
  },
  {
    name: 'tombstones are dropped at once',
    shows: 8,
    life: (life) => {
      const { store } = life;
      const remove = store.delete.bind(store);
      Object.assign(store, {
        delete: async (...[request]: Parameters<typeof remove>) => {
          const result = await remove(request);
          await forget(life, request.table.id, result.deleted);
          return result;
        },
      });
    },
  },
  {
    name: 'a tombstone does not wait for what is on its way',
    shows: 1,
    faults: ['block', 'slow'],
    firstSeed: 8_500,
    install: () => replaced(Heard.prototype, 'upTo', () => Infinity),
  },
  {
    name: 'parts of a transaction do not wait for each other',
    shows: 7,
    install: () => replaced(PartGate.prototype, 'mustWait', () => false),
  },
  {
    name: 'the cursor moves before the data',
    shows: 8,
    life: ({ store }) => {
      const apply = store.apply.bind(store);
      Object.assign(store, {
        apply: async (...[source, items]: Parameters<typeof apply>) => {
          const cursor = store.cursors.get(source.storeId, source.table.id);
          const last = items.findLast(({ kind }) => kind === 'whole');
          if (cursor && !cursor.copy && last?.kind === 'whole' && last.seq > cursor.seq)
            await store.putCursor(source.storeId, source.table, {
              ...cursor,
              seq: last.seq,
              id: last.header.id,
            });
          return apply(source, items);
        },
      });
    },
  },
  {
    name: 'a copy ends with the marks of its end',
    shows: 8,
    life: (life) => {
      const { store, world } = life;
      const applyCopy = store.applyCopy.bind(store);
      Object.assign(store, {
        applyCopy: async (...[source, page]: Parameters<typeof applyCopy>) => {
          const publisher = [...world.nodes.values()].find(
            ({ life: other }) => other?.isReady && other.store.identity.storeId === source.storeId,
          )?.life;
          const table = publisher?.store.catalog.table(source.table.database, source.table.name);
          if (page.isLast && publisher && table)
            await life.environment.commit(() => {
              for (const mark of publisher.store.marks.all(table.id))
                store.marks.raise(source.table.id, mark.storeId, mark.place);
              const { headSeq } = publisher.store.log.head(table.id);
              store.marks.raise(source.table.id, source.storeId, {
                incarnation: table.incarnation,
                seq: headSeq,
              });
            });
          return applyCopy(source, page);
        },
      });
    },
  },
  {
    name: 'anybody may read',
    shows: 9,
    channelServer: (options) => {
      const { store } = options;
      const nodes = {
        get: (name: string) => {
          const row = store.nodes.get(name);
          return (
            row && { ...row, subscriptions: row.subscriptions.map((one) => ({ ...one, publish: true })) }
          );
        },
      };
      const generous = new Proxy(store, {
        get: (target, name) => {
          const value: unknown = name === 'nodes' ? nodes : Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      return new ChannelServer({ ...options, store: generous });
    },
  },
  {
    name: 'the wall clock is the version',
    shows: 10,
    install: () =>
      replaced(Commit.prototype, 'drawVersion', function drawVersion(this: Commit) {
        this.state.clock = Math.floor(this.nowMs * 1000);
        return this.state.clock;
      }),
  },
  {
    name: 'a write does not look at what it replaces',
    shows: 6,
    faults: ['clock'],
    install: () => {
      const uninstall = [
        replaced(Commit.prototype, 'raiseClock', () => undefined),
        replaced(Commit.prototype, 'drawVersion', function drawVersion(this: Commit) {
          this.state.clock = nextVersion(this.nowMs, this.state.clock, 0);
          return this.state.clock;
        }),
      ];
      return () => {
        for (const undo of uninstall) undo();
      };
    },
  },
  {
    name: 'an answer has no limit',
    shows: 11,
    channelServer: (options) => new ChannelServer({ ...options, maxBatchBytes: 1 << 24 }),
  },
  {
    name: 'a peer that was heard once is alive',
    shows: 12,
    install: () => {
      const before = Object.getOwnPropertyDescriptor(PeerSession.prototype, 'isAlive');
      Object.defineProperty(PeerSession.prototype, 'isAlive', {
        configurable: true,
        get(this: PeerSession) {
          return this.hello !== undefined;
        },
      });
      return () => {
        if (before) Object.defineProperty(PeerSession.prototype, 'isAlive', before);
      };
    },
  },
  {
    name: 'the id at the cursor is not compared',
    shows: 8,
    firstSeed: 6_800,
    faults: ['restore', 'weather'],
    channelServer: (options) =>
      new ChangedServer(options, (request) => {
        if (!('cursor' in request) || !request.cursor) return request;
        const { cursor } = request;
        const table = options.store.catalog
          .allTables()
          .find(({ incarnation }) => incarnation === cursor.incarnation);
        const id = table && options.store.log.idAt(table.id, cursor.seq);
        return id === undefined ? request : { ...request, cursor: { ...cursor, id } };
      }),
  },
  {
    name: 'the publisher trusts its stream',
    shows: 8,
    faults: ['restore', 'stream'],
    life: ({ node, store }) => node.streams.believe(store),
  },
  {
    name: 'a place forgets what its start time left out',
    shows: 2,
    faults: ['agree'],
    life: ({ store: { cursors } }) => {
      const get = cursors.get.bind(cursors);
      Object.assign(cursors, {
        get: (...args: Parameters<typeof get>) => {
          const cursor = get(...args);
          return cursor && { ...cursor, newerThan: undefined };
        },
      });
    },
  },
];
