import { encodedItems } from '../../src/channel/channel-items.ts';
import { channelName } from '../../src/model/channel-name.ts';
import type { Change } from '../../src/model/change.ts';
import { compareContent, compareStamps } from '../../src/model/conflict.ts';
import { leftOutBy } from '../../src/model/subscription.ts';
import type { Table } from '../../src/model/table.ts';
import { openFrame } from '../../src/model/transaction-codec.ts';
import { hasLeftOut } from '../../src/store/cursors.ts';
import type { Life } from './life.ts';
import { told } from './disk-view.ts';
import { drainPromises } from './scheduler.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';

/** One direction of one agreement that both ends have in force. */
interface Flow {
  readonly publisher: Life;
  readonly subscriber: Life;
  readonly table: string;
  /** Versions up to here are left out, by the start time that is in force. */
  readonly newerThan: number;
}

const boundMs = 180_000;

/** Ends all faults, lets the nodes come to rest, and compares them: invariants 1, 2, 3, 9 and 12. */
export function settle(world: World): void {
  heal(world);
  const startMs = world.scheduler.nowMs;
  let quiet = 0;
  let isCompared = false;
  while (quiet < 2 && !world.isOver) {
    world.scheduler.runFor(250);
    if (unsettled(world) === undefined) quiet += 1;
    else quiet = 0;
    if (quiet === 2 && releaseLater(world)) quiet = 0;
    // What a relay has brought that was deleted and forgotten goes with the next comparison.
    if (quiet === 2 && !isCompared && world.config.verifyMs !== undefined) {
      isCompared = true;
      quiet = 0;
      world.scheduler.runFor(3 * world.config.verifyMs);
    }
    if (world.scheduler.nowMs - startMs > boundMs) {
      world.violate(
        new Violation(2, `the nodes do not come to rest: ${unsettled(world) ?? ''}`, statesOf(world)),
      );
      return;
    }
  }
  if (world.isOver) return;
  world.story?.push(' at rest');
  checkFlows(world);
  checkPromises(world);
  checkWays(world);
  if (world.config.seed % 4 === 1) checkReplays(world);
  // What status says is as old as the last greeting.
  if (world.config.seed % 4 !== 0) return;
  do world.scheduler.runFor(12_000);
  while (!world.isOver && unsettled(world) !== undefined && world.scheduler.nowMs - startMs < boundMs);
  if (!world.isOver) checkStatus(world);
}

function heal(world: World): void {
  Object.assign(world.weather, { loss: 0, duplicates: 0, delays: 0, ackLoss: 0, corruptions: 0 });
  world.network.healAll();
  for (const node of world.nodes.values()) {
    node.disarm();
    node.isSlow = false;
    node.offsetMs = 0;
    node.start();
  }
}

function flows(world: World): Flow[] {
  const lives = [...world.nodes.values()].map(({ running }) => running);
  const byName = new Map(lives.map((life) => [life.name, life]));
  return lives.flatMap((subscriber) =>
    subscriber.rows().flatMap(({ name, subscriptions }) => {
      const publisher = byName.get(name);
      if (!publisher) return [];
      return subscriptions
        .filter(
          ({ subscribe, stopped, table }) =>
            subscribe &&
            stopped === undefined &&
            world.oracle.mayRead(publisher, subscriber.name, channelName('d', table)) &&
            publisher.store.catalog.table('d', table) !== undefined,
        )
        .map((subscription) => ({
          publisher,
          subscriber,
          table: subscription.table,
          newerThan: leftOutBy(subscription),
        }));
    }),
  );
}

/** What is still under way; undefined at rest. */
function unsettled(world: World): string | undefined {
  for (const node of world.nodes.values()) if (!node.life?.isReady) return `${node.name} is down`;
  for (const node of world.nodes.values())
    for (const { name, storeId: known, subscriptions: mine } of node.running.rows()) {
      const peer = world.node(name).running;
      if (known !== peer.store.identity.storeId) return `${node.name} has not heard of the store of ${name}`;
      const theirs = peer.store.nodes.get(node.name)?.subscriptions ?? [];
      for (const { table, version, publish, subscribe } of mine) {
        const other = theirs.find((one) => one.table === table);
        // Of two decisions under one version either may still be in force.
        if (other?.version !== version || other.publish !== subscribe || other.subscribe !== publish)
          return `${node.name} and ${name} do not agree on ${table} yet`;
      }
    }
  for (const { publisher, subscriber, table, newerThan } of flows(world)) {
    const theirs = publisher.store.catalog.table('d', table);
    const ours = subscriber.store.catalog.table('d', table);
    const where = `${subscriber.name} of ${table} of ${publisher.name}`;
    if (!ours || !theirs) return `no table: ${where}`;
    const cursor = subscriber.store.cursors.get(publisher.store.identity.storeId, ours.id);
    const { headSeq } = publisher.store.log.head(theirs.id);
    if (!cursor) return `no cursor: ${where}`;
    if (cursor.copy) return `copying: ${where}`;
    if (hasLeftOut(cursor, () => newerThan)) return `under an earlier start time: ${where}`;
    const { storeId } = publisher.store.identity;
    if (subscriber.store.comparison.provable({ peer: publisher.name, storeId, table: ours }) !== undefined)
      return `not compared yet: ${where}`;
    if (cursor.incarnation !== theirs.incarnation) return `another incarnation: ${where}`;
    if (cursor.seq !== headSeq) return `at ${cursor.seq} of ${headSeq}: ${where}`;
  }
  return undefined;
}

function statesOf(world: World): string[] {
  return [...world.nodes.values()].flatMap(({ life }) =>
    life?.isReady
      ? [...life.sessions.values()].map((session) => `${life.name}: ${JSON.stringify(session.status())}`)
      : [],
  );
}

/** Moves every clock to when the next quarantined transaction is due; false when none waits for the time. */
function releaseLater(world: World): boolean {
  const waits = [...world.nodes.values()].flatMap(({ running, wallMs }) =>
    quarantinedAt(running.store).flatMap(({ dueAtMs, database, tableName }) =>
      dueAtMs === undefined || !running.store.catalog.table(database, tableName) ? [] : [dueAtMs - wallMs],
    ),
  );
  if (waits.length === 0) return false;
  const aheadMs = Math.max(0, ...waits) + 1_000;
  world.tell(`${Math.round(aheadMs / 1000)} seconds pass`);
  for (const node of world.nodes.values()) node.offsetMs += aheadMs;
  return true;
}

function rowsOf(
  world: World,
  life: Life,
  table: string,
): { readonly table: Table; readonly rows: Change[] } | undefined {
  const view = world.oracle.view(life);
  const found = view.table(table);
  return found && { table: found, rows: view.rows(found) };
}

/** Invariant 2: a subscriber holds at least what its publisher holds, so that a circle of them holds the same. */
function checkFlows(world: World): void {
  for (const { publisher, subscriber, table, newerThan } of flows(world)) {
    const theirs = rowsOf(world, publisher, table);
    const ours = rowsOf(world, subscriber, table);
    const held = new Map(ours?.rows.map((row) => [row.key, row]));
    const quarantined = world.oracle.quarantined(subscriber, table);
    for (const row of theirs?.rows ?? []) {
      const own = held.get(row.key);
      const order = own ? compareStamps(own, row) : -1;
      if (order > 0 || (own && order === 0 && compareContent(own.bytes, row.bytes) === 0)) continue;
      if (quarantined.has(JSON.stringify(row.key)) || world.oracle.isForked(row.origin.storeId)) continue;
      // Or it knows by another delete, of a row that somebody else had forgotten, what its own does not tell it any more.
      const areBothGone = !own?.bytes && !row.bytes;
      if (areBothGone && world.oracle.mayLackTombstones(subscriber.name, table)) continue;
      const mayKnowLess = !own || areBothGone;
      if (mayKnowLess && ours && world.oracle.deletes.isForgotten(subscriber, ours.table, row)) continue;
      if (row.version <= newerThan) continue;
      world.violate(
        new Violation(2, `${subscriber.name} does not hold what ${publisher.name} publishes in ${table}`, [
          `${publisher.name}: ${told(row.key, row)}`,
          `${subscriber.name}: ${own ? told(own.key, own) : 'nothing'}`,
          ...statesOf(world),
        ]),
      );
      return;
    }
  }
}

/** Invariants 1 and 3: where it was acknowledged, a write is there or something newer is. */
function checkPromises(world: World): void {
  for (const [id, { node, rows, isAcknowledged }] of world.oracle.operations) {
    if (!isAcknowledged) continue;
    const life = world.node(node).running;
    const view = world.oracle.view(life);
    for (const { table: name, change } of rows) {
      const table = view.table(name);
      const row = table && view.row(table.id, change.key);
      if (!table || (row && compareStamps(row, change) >= 0)) continue;
      const { deletes } = world.oracle;
      const mayBeForgotten = !row || deletes.mayBeOlder(life, name, row);
      if (mayBeForgotten && deletes.isForgotten(life, table, change)) continue;
      world.violate(
        new Violation(1, `${node} has lost ${id}, which it acknowledged`, [
          `written ${told(change.key, change)}`,
          `held    ${row ? told(change.key, row) : 'nothing'}`,
        ]),
      );
      return;
    }
  }
}

/** Invariant 9: nothing is where no agreement could have brought it. */
function checkWays(world: World): void {
  for (const { running } of world.nodes.values())
    for (const name of world.config.tables)
      for (const row of rowsOf(world, running, name)?.rows ?? [])
        if (
          row.origin.name !== running.name &&
          !world.oracle.agreements.canCome(row.origin.name, running.name, name)
        ) {
          world.violate(
            new Violation(9, `${running.name} holds a row of ${row.origin.name} in ${name}`, [
              told(row.key, row),
            ]),
          );
          return;
        }
}

/** Invariant 5: everything that a publisher's log has, once more. */
function checkReplays(world: World): void {
  for (const { publisher, subscriber, table: name } of flows(world)) {
    const theirs = publisher.store.catalog.table('d', name);
    const ours = subscriber.store.catalog.table('d', name);
    const { storeId } = publisher.store.identity;
    const cursor = ours && subscriber.store.cursors.get(storeId, ours.id);
    // What it could not read, or left out as too old, or wrote itself under another id, would be new.
    const isPartial =
      world.oracle.quarantined(subscriber, name).size > 0 ||
      world.oracle.quarantined(publisher, name).size > 0 ||
      world.oracle.hasHadHole ||
      world.oracle.hasAnotherPast(publisher.name) ||
      world.oracle.hasAnotherPast(subscriber.name) ||
      world.oracle.agreements.isBefore(subscriber.name, publisher.name, name, 1);
    if (!theirs || !ours || !cursor || isPartial) continue;
    const { trimmedSeq, trimmedId } = publisher.store.log.head(theirs.id);
    const items = [...encodedItems(publisher.store, theirs, trimmedSeq, () => true, 1 << 20)].map(openFrame);
    const isNumbered = !world.oracle.isOvertakenSomewhere(name);
    const before = contentOf(subscriber, isNumbered);
    const { incarnation } = theirs;
    const source = { peer: publisher.name, table: ours, storeId, incarnation, newerThan: 0 };
    world.oracle.isDeaf = true;
    void subscriber.store
      .putCursor(storeId, ours, { ...cursor, seq: trimmedSeq, id: trimmedId })
      .then(async () => subscriber.store.apply(source, items));
    drainPromises();
    world.oracle.isDeaf = false;
    if (contentOf(subscriber, isNumbered) === before) continue;
    world.violate(
      new Violation(5, `${subscriber.name} changes when it hears ${name} of ${publisher.name} again`),
    );
    return;
  }
}

/** What no repetition may change: the records; and log, numbers and marks, where all that is here has numbers. */
function contentOf({ environment }: Life, isNumbered: boolean): string {
  const { records, log, channels, marks } = environment.trees;
  return (isNumbered ? [records, log, channels, marks] : [records])
    .flatMap((tree) =>
      [...tree.getRange({})].map(({ key, value }) => `${JSON.stringify(key)}=${value.toString('latin1')}`),
    )
    .join('\n');
}

/** Invariant 12, the quiet half: at rest everything says that it is live. */
function checkStatus(world: World): void {
  for (const { publisher, subscriber, table } of flows(world)) {
    const status = subscriber.sessions.get(publisher.name)?.status();
    const found = status?.subscriptions.find((one) => one.table === table);
    if (status?.status === 'open' && found?.state === 'live') continue;
    world.violate(
      new Violation(
        12,
        `${subscriber.name} says of ${table} of ${publisher.name} at rest: ${status?.status} ${found?.state} ${found?.reason ?? ''}`,
      ),
    );
    return;
  }
}

/** Invariant 12, the other half: nobody is called alive who has not spoken for a while. */
export function checkSigns(world: World): void {
  for (const { life } of world.nodes.values()) {
    if (!life?.isReady) continue;
    for (const session of life.sessions.values()) {
      if (!session.isAlive) continue;
      const silentMs = world.scheduler.nowMs - (life.heardAtMs.get(session.name) ?? -Infinity);
      if (silentMs > 5_500)
        world.violate(
          new Violation(12, `${life.name} calls ${session.name} alive after ${silentMs} ms of silence`),
        );
    }
  }
}
