import { carriedBytes, type ChannelResponse } from '../../src/channel/protocol.ts';
import { channelName, parseChannelName } from '../../src/model/channel-name.ts';
import type { Change, Key } from '../../src/model/change.ts';
import { compareContent, compareStamps, writerOf } from '../../src/model/conflict.ts';
import type { Table } from '../../src/model/table.ts';
import { decodeChanges, decodeItem, decodeMessage } from '../../src/model/transaction-codec.ts';
import type { LogEntry } from '../../src/store/change-log.ts';
import { Agreements } from './agreements.ts';
import { contentOf, cursorRow, DiskView, stampName, told } from './disk-view.ts';
import { Deletes } from './forgotten.ts';
import type { Life } from './life.ts';
import type { TreeWrite } from './memory-environment.ts';
import { Order, type SeenRow } from './order.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { Together, type LoggedPart } from './together.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';

/** What a client asked for, and what became of it. */
interface Operation {
  readonly node: string;
  rows: { readonly table: string; readonly change: Change }[];
  isAcknowledged: boolean;
}

/** What it knows of one disk beside what is on it. */
interface DiskFacts {
  lastPosition: number;
  lastOwnVersion: number;
  readonly identities: Set<string>;
  /** Transactions of others that its log has numbered. */
  readonly numbered: Set<string>;
}

/**
 * Knows everything that was ever committed anywhere, and compares each commit with it.
 *
 * Of the invariants in docs/correctness.md, each commit is checked for 3 (every row is what its origin wrote), 4 (what an
 * origin did becomes visible in its order, `order.ts`), 5 (nothing is numbered twice), 6 (a row only becomes newer),
 * 7 (parts of a transaction together, `together.ts`), 8 (whatever a cursor passes is in the data) and 10 (clock and
 * versions); each answer and each push for 9 and 11; the rest is checked at rest, by `rest.ts`.
 */
export class Oracle {
  readonly #world: World;
  readonly #views = new WeakMap<Life, DiskView>();
  readonly #facts = new Map<string, DiskFacts>();
  /** By store id and incarnation, then by number. */
  readonly #histories = new Map<string, Map<number, LoggedPart[]>>();
  /** What each stamp of each key was written with. */
  /** By stamp: more than one content where a machine was put back unnoticed and its clock set back as well. */
  readonly #written = new Map<string, Set<string | null>>();
  readonly #keysOf = new Map<string, Set<string>>();
  readonly deletes = new Deletes();
  readonly agreements: Agreements;
  readonly operations = new Map<string, Operation>();
  /** Numbers of a history that were trimmed before it began under its id. */
  readonly #begun = new Map<string, number>();
  /** When a copy ended: what is decided meanwhile may still count on it. */
  readonly #followedSince = new Map<string, number>();
  /** Stores that went back without noticing: their numbers are given twice. */
  readonly #forked = new Set<string>();
  readonly #replaced = new Set<string>();
  readonly #overtaken = new Set<string>();
  /** Somebody had something in quarantine: what came behind that, and copies of it, are not known by their numbers. */
  hasHadHole = false;
  /** While the simulator itself changes a store. */
  isDeaf = false;
  #count = 0;

  readonly #order: Order;
  readonly #together: Together;

  constructor(world: World) {
    this.#world = world;
    this.agreements = new Agreements(world.config.tables, () => world.nodes.keys());
    this.#order = new Order({
      world,
      histories: this.#histories,
      isForked: (storeId) => this.isForked(storeId),
      mayLack: (life, table, change) => this.#mayLack(life, table, change),
    });
    this.#together = new Together({
      world,
      view: (life) => this.view(life),
      histories: this.#histories,
      followedSince: this.#followedSince,
      mayRead: (life, peer, channel) => this.mayRead(life, peer, channel),
    });
  }

  view(life: Life): DiskView {
    let view = this.#views.get(life);
    if (!view) {
      view = new DiskView(life);
      this.#views.set(life, view);
    }
    return view;
  }

  nextOperation(node: string): string {
    this.#count += 1;
    const id = `op${this.#count}`;
    this.operations.set(id, { node, rows: [], isAcknowledged: false });
    return id;
  }

  acknowledged(id: string, hasWritten: boolean): void {
    const operation = this.operations.get(id);
    if (!operation) return;
    operation.isAcknowledged = true;
    if (hasWritten && operation.rows.length === 0)
      this.#violate(1, `${operation.node} acknowledged ${id}, which it never committed`);
  }

  /** A log has overtaken its copy: the comparison brought the records that it had missed, and no tombstones. */
  mayLackTombstones(name: string, table: string): boolean {
    return this.#overtaken.has(`${name} ${table}`);
  }

  /**
   * Its numbers were given twice, as nothing had told it that it went back: only an interval's comparison, which is
   * not simulated, puts right what that hides from others.
   */
  isForked(storeId: string): boolean {
    return this.#forked.has(storeId);
  }

  /** Its store has had another id. */
  hasAnotherPast(name: string): boolean {
    return this.#replaced.has(name) || this.#factsOf(name).identities.size > 1;
  }

  /** A disk got the contents of another one: what only it knew is gone, and no promise of it is left. */
  replaced(node: SimulatedNode, from: SimulatedNode, isUnnoticed: boolean): void {
    const facts = this.#facts.get(node.name);
    if (isUnnoticed) for (const storeId of facts?.identities ?? []) this.#forked.add(storeId);
    for (const operation of this.operations.values())
      if (operation.node === node.name) operation.isAcknowledged = false;
    this.#facts.delete(node.name);
    this.deletes.replaced(node.name);
    this.#order.replaced(node.name);
    this.#replaced.add(node.name);
    if (from !== node) this.agreements.cloned(node.name, from.name);
  }

  /** A store was opened: under a new id it begins a history with all that is in its log. */
  started(life: Life): void {
    const view = this.view(life);
    const { storeId } = view;
    const facts = this.#factsOf(life.name);
    if (facts.identities.has(storeId)) return;
    facts.identities.add(storeId);
    facts.lastOwnVersion = 0;
    facts.numbered.clear();
    for (const { key } of life.environment.trees.log.getRange({})) {
      const entry = view.log.at(Number(key));
      if (!entry) continue;
      facts.lastPosition = Math.max(facts.lastPosition, entry.position);
      for (const part of entry.parts) {
        // Numbered here when this disk had another id: comes back as a transaction of somebody else.
        if (part.originPlace.incarnation === view.catalog.tableById(part.tableId)?.incarnation)
          facts.identities.add(entry.header.origin.storeId);
        this.#remember(life.name, view, entry, part);
      }
    }
    for (const table of view.catalog.allTables())
      this.#begun.set(`${storeId} ${table.incarnation}`, view.log.head(table.id).trimmedSeq);
  }

  committed(node: SimulatedNode, life: Life, writes: readonly TreeWrite[]): void {
    if (this.#world.violation || this.isDeaf) return;
    const view = this.view(life);
    if (writes.some(({ tree, key, before }) => tree === 'meta' && key === 'identity' && before))
      this.started(life);
    const entries: LogEntry[] = [];
    for (const write of writes)
      if (write.tree === 'log' && write.after) this.#logged(life, view, write, entries);
    const rows: SeenRow[] = [];
    for (const write of writes) {
      if (write.tree === 'records' && write.after) this.#rowWritten(life, view, write, rows);
      else if (write.tree === 'records')
        this.deletes.gone(life, view.catalog.tableById((write.key as [number])[0]));
      else if (write.tree === 'cursors') this.#cursorMoved(node, life, view, write);
      else if (write.tree === 'meta' && write.key === 'state') this.#clockMoved(life, write);
      else if (write.tree === 'catalog' && write.before && !write.after) this.#dropped(life, write);
    }
    this.#order.check(life, view, writes, entries, rows);
    this.#together.check(node, life, view, writes);
  }

  /** An answer that leaves a node over a link. */
  answered(life: Life, peer: string, service: string, answer: unknown): void {
    if (service === 'pull' || service === 'copy' || service === 'rows')
      this.sent(life, peer, answer as ChannelResponse);
  }

  /** Invariants 9 and 11: only what was agreed, in bites. */
  sent(life: Life, peer: string, response: ChannelResponse): void {
    if (response.kind !== 'items' && response.kind !== 'page' && response.kind !== 'rows') return;
    const { maxBatchBytes } = this.#world.config;
    const bytes = carriedBytes(response);
    // One item may be of that size; rows are cut where they are twice as much.
    const limit =
      response.kind !== 'items'
        ? 2 * maxBatchBytes
        : response.items.length > 1
          ? maxBatchBytes + 200
          : Infinity;
    if (bytes > limit) this.#violate(11, `${life.name} answers ${peer} with ${bytes} bytes, limit ${limit}`);
    const { incarnation } = response.identity;
    const table = life.store.catalog.allTables().find((candidate) => candidate.incarnation === incarnation);
    if (table && !this.mayRead(life, peer, channelName(table.database, table.name)))
      this.#violate(9, `${life.name} gives ${table.name} to ${peer}, which may not read it`);
    if (table) this.#order.compared(peer, table, response);
  }

  /** A log overtook a copy of the table: until that was compared nothing had numbers there, nor where it was copied to. */
  isOvertakenSomewhere(table: string): boolean {
    return [...this.#overtaken].some((place) => place.endsWith(` ${table}`));
  }

  mayRead(life: Life, peer: string, channel: string): boolean {
    const name = parseChannelName(channel);
    const row = life.rows().find((one) => one.name === peer);
    return (
      row?.subscriptions.some(
        ({ database, table, publish, stopped }) =>
          database === name?.database && table === name.table && publish && stopped === undefined,
      ) ?? false
    );
  }

  /** Keys of a table that a node keeps in quarantine instead of in its rows. */
  quarantined(life: Life, table: string): Set<string> {
    const keys = new Set<string>();
    for (const { id, tableName, item } of quarantinedAt(life.store)) {
      if (tableName !== table) continue;
      try {
        const decoded = decodeItem(item);
        if (decoded.kind === 'whole')
          for (const { key } of decodeChanges(decoded.changes)) keys.add(JSON.stringify(key));
      } catch {
        // Not readable: then it is known by its id.
      }
      for (const key of this.#keysOf.get(id.slice(0, 16)) ?? []) keys.add(key);
    }
    return keys;
  }

  #logged(life: Life, view: DiskView, write: TreeWrite, entries: LogEntry[]): void {
    const facts = this.#factsOf(life.name);
    const position = Number(write.key);
    if (position <= facts.lastPosition) return;
    const entry = view.log.at(position);
    if (!entry) return;
    entries.push(entry);
    facts.lastPosition = position;
    const { storeId } = view;
    facts.identities.add(storeId);
    const { header } = entry;
    // What was written into a table that was dropped since comes back as anybody's.
    const isDrawnHere = entry.parts.some(
      ({ tableId, originPlace }) => originPlace.incarnation === view.catalog.tableById(tableId)?.incarnation,
    );
    if (header.origin.storeId === storeId && isDrawnHere) {
      if (header.kind === 'write' && header.version <= facts.lastOwnVersion)
        this.#violate(10, `${life.name} draws version ${header.version} after ${facts.lastOwnVersion}`);
      facts.lastOwnVersion = Math.max(facts.lastOwnVersion, header.version);
    }
    for (const part of entry.parts) this.#remember(life.name, view, entry, part);
  }

  #remember(node: string, view: DiskView, entry: LogEntry, part: LogEntry['parts'][number]): void {
    const { storeId } = view;
    const table = view.catalog.tableById(part.tableId);
    if (!table) return;
    const { header } = entry;
    const changes = decodeChanges(part.changes);
    const name = `${storeId} ${table.incarnation}`;
    const history = this.#histories.get(name) ?? new Map<number, LoggedPart[]>();
    this.#histories.set(name, history);
    const known = history.get(part.seq) ?? [];
    if (known.length > 0 && !this.#forked.has(storeId) && known[0]?.header.id !== header.id)
      this.#violate(4, `number ${part.seq} of ${table.name} is given twice in one history`);
    const tables = entry.parts.flatMap(({ tableId }) => view.catalog.tableById(tableId)?.name ?? []);
    if (!known.some(({ header: { id } }) => id === header.id))
      history.set(part.seq, [...known, { seq: part.seq, header, changes, tables }]);
    const keys = this.#keysOf.get(header.id) ?? new Set<string>();
    for (const change of changes) {
      keys.add(JSON.stringify(change.key));
      this.deletes.note(table.name, change);
    }
    this.#keysOf.set(header.id, keys);
    if (header.origin.storeId !== storeId) {
      this.#checkNumberedOnce(node, table, entry, part);
      return;
    }
    if (header.kind !== 'write') return;
    this.#order.began(table, storeId, header.version, part.seq);
    const operation = header.user === undefined ? undefined : this.operations.get(header.user);
    for (const change of changes) {
      const stamp = stampName(table.name, change.key, change);
      this.#written.set(stamp, (this.#written.get(stamp) ?? new Set()).add(contentOf(change.bytes)));
      operation?.rows.push({ table: table.name, change });
    }
  }

  /** Invariant 5: a transaction that is known is not numbered again, or it would go round for ever. */
  #checkNumberedOnce(node: string, table: Table, entry: LogEntry, part: LogEntry['parts'][number]): void {
    const facts = this.#factsOf(node);
    const { origin } = entry.header;
    if (facts.identities.has(origin.storeId) || this.#forked.has(origin.storeId)) return;
    const { incarnation, seq } = part.originPlace;
    const name = `${table.id} ${origin.storeId} ${incarnation} ${seq}`;
    if (facts.numbered.has(name))
      this.#violate(5, `${node} numbers transaction ${seq} of ${origin.name} twice in ${table.name}`);
    facts.numbered.add(name);
  }

  #rowWritten(life: Life, view: DiskView, { key, before, after }: TreeWrite, rows: SeenRow[]): void {
    if (!after) return;
    const [tableId, primaryKey] = key as [number, Key];
    const table = view.catalog.tableById(tableId);
    if (!table || table.local) return;
    const row = view.decoded(after);
    rows.push({ table, key: primaryKey, row });
    const content = contentOf(row.bytes);
    const writer = writerOf(row);
    const written = this.#written.get(stampName(table.name, primaryKey, { ...row, ...writer }));
    // What was deleted and forgotten elsewhere goes under the stamp of the row that goes.
    const isKnown = writer === row ? written?.has(content) : written !== undefined && row.bytes === null;
    if (isKnown !== true)
      this.#violate(3, `${life.name} has a row in ${table.name} that nobody wrote`, [told(primaryKey, row)]);
    if (writer !== row && !this.deletes.wasDeleted(table.name, primaryKey, writer))
      this.#violate(1, `${life.name} deletes what nobody has deleted in ${table.name}`, [
        told(primaryKey, row),
      ]);
    // Only a delete has taken it away, and that delete is forgotten.
    if (this.deletes.isAgain(life.name, tableId, { key: primaryKey, ...row }) && !before)
      this.#violate(6, `${life.name} takes back what was deleted in ${table.name}`, [told(primaryKey, row)]);
    if (!before) return;
    const old = view.decoded(before);
    const order = compareStamps(row, old) || compareContent(row.bytes, old.bytes);
    if (order <= 0)
      this.#violate(6, `${life.name} replaces a row of ${table.name} by an older one`, [
        `had  ${told(primaryKey, old)}`,
        `took ${told(primaryKey, row)}`,
      ]);
  }

  #cursorMoved(node: SimulatedNode, life: Life, view: DiskView, { key, before, after }: TreeWrite): void {
    if (!after) return;
    const [tableId, storeId] = key as [number, string];
    const now = cursorRow(after);
    this.hasHadHole ||= now.hasHole;
    const old = before && cursorRow(before);
    const goesOn = old !== undefined && old.incarnation === now.incarnation && !old.isCopying;
    const table = view.catalog.tableById(tableId);
    if (!goesOn) this.#followedSince.set(`${node.name} ${tableId} ${storeId}`, this.#world.scheduler.nowMs);
    if (table && now.isOvertaken) this.#overtaken.add(`${node.name} ${table.name}`);
    if (!table || now.isCopying || (!goesOn && now.isOvertaken)) return;
    if (goesOn && now.seq < old.seq)
      this.#violate(8, `${life.name} moves a cursor of ${table.name} back from ${old.seq} to ${now.seq}`);
    const history = this.#histories.get(`${storeId} ${now.incarnation}`);
    const begun = this.#begun.get(`${storeId} ${now.incarnation}`) ?? 0;
    if (now.seq > begun && !history?.get(now.seq)?.some(({ header }) => header.id === now.id))
      this.#violate(
        8,
        `${life.name} has a cursor at ${now.seq} of ${table.name} under an id that is not there`,
      );
    for (let seq = goesOn ? old.seq + 1 : 1; seq <= now.seq; seq += 1) {
      // Of a machine that was put back unnoticed, two transactions may have had the number: either may be meant.
      const [entry, other] = history?.get(seq) ?? [];
      if (entry && !other) this.#checkHolds(node, life, view, table, storeId, entry, goesOn);
    }
  }

  /** Invariant 8: what a cursor has passed is in the rows. */
  #checkHolds(
    node: SimulatedNode,
    life: Life,
    view: DiskView,
    table: Table,
    storeId: string,
    { seq, header, changes }: LoggedPart,
    goesOn: boolean,
  ): void {
    if (this.isForked(header.origin.storeId)) return;
    for (const change of changes) {
      const row = view.row(table.id, change.key);
      if (row && compareStamps(row, change) >= 0) continue;
      // Deleted since, and what it replaced goes with the next comparison.
      if (this.deletes.isForgotten(life, table, change)) continue;
      const peer = [...this.#world.nodes.values()].find(
        ({ life: other }) => other && this.view(other).storeId === storeId,
      );
      if (peer && this.agreements.isBefore(node.name, peer.name, table.name, change.version)) continue;
      // The copy never had it: it was deleted and forgotten where it came from.
      const theirs = goesOn ? undefined : peer?.life?.isReady && this.view(peer.life).table(table.name);
      if (peer?.life && theirs && this.deletes.isForgotten(peer.life, theirs, change)) continue;
      if (life.isReady && this.quarantined(life, table.name).has(JSON.stringify(change.key))) continue;
      this.#violate(
        8,
        `${node.name} has passed number ${seq} of ${table.name} of ${peer?.name ?? storeId} without its data`,
        [
          `transaction ${header.id} of ${header.origin.name}, ${header.kind}`,
          `there ${told(change.key, change)}`,
          `here  ${row ? told(change.key, row) : 'nothing'}`,
        ],
      );
    }
  }

  /** What a node may lack of a transaction that it has had: deleted since, too old for it, or put aside. */
  #mayLack(life: Life, table: Table, change: Change): boolean {
    return (
      this.deletes.isForgotten(life, table, change) ||
      this.agreements.isBeforeAny(life.name, table.name, change.version) ||
      (life.isReady && this.quarantined(life, table.name).has(JSON.stringify(change.key)))
    );
  }

  /** What was promised of a table ends when somebody drops it. */
  #dropped(life: Life, { key, before }: TreeWrite): void {
    if (!Array.isArray(key) || key[0] !== 'table' || !before) return;
    const { name } = decodeMessage(before) as Table;
    for (const operation of this.operations.values())
      if (operation.node === life.name) operation.rows = operation.rows.filter(({ table }) => table !== name);
  }

  #clockMoved(life: Life, { before, after }: TreeWrite): void {
    if (before && after && after.readBigUInt64BE(0) < before.readBigUInt64BE(0))
      this.#violate(10, `the stored clock of ${life.name} goes back`);
  }

  #factsOf(name: string): DiskFacts {
    const facts = this.#facts.get(name) ?? {
      lastPosition: 0,
      lastOwnVersion: 0,
      identities: new Set<string>(),
      numbered: new Set<string>(),
    };
    this.#facts.set(name, facts);
    return facts;
  }

  #violate(invariant: number, message: string, facts: readonly string[] = []): void {
    this.#world.violate(new Violation(invariant, message, facts));
  }
}
