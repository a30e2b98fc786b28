import { CodedError, messageOf } from '../../src/model/errors.ts';
import type { NodeRow, Subscription } from '../../src/model/node.ts';
import { channelName } from '../../src/model/channel-name.ts';
import type { Mutation } from './mutations.ts';
import type { Agreement, Plan, Step } from './plan.ts';
import { checkSigns, settle } from './rest.ts';
import type { Life } from './life.ts';
import { Random } from './random.ts';
import { withSeededIds } from './seeded-crypto.ts';
import { Violation } from './violation.ts';
import { World } from './world.ts';

export interface Outcome {
  readonly violation: Violation | undefined;
  readonly story: readonly string[];
  readonly world: World;
}

/** Runs one history to its end or to the first invariant that does not hold. Call it from a macrotask. */
export function runHistory(plan: Plan, mutation: Mutation, isTold = false): Outcome {
  return withSeededIds(new Random(plan.config.seed ^ 0x27d4eb2f), () => run(plan, mutation, isTold));
}

function run(plan: Plan, mutation: Mutation, isTold: boolean): Outcome {
  const world = new World(plan.config, mutation, isTold);
  try {
    begin(world);
    for (const [index, step] of plan.steps.entries()) {
      if (world.isOver) break;
      world.story?.push(`${String(index + 1).padStart(3)}. ${describeStep(step)}`);
      runStep(world, step);
      world.scheduler.runFor(0);
      checkSigns(world);
    }
    if (!world.isOver) settle(world);
  } catch (error) {
    if (error instanceof Violation) world.violate(error);
    else
      world.violate(new Violation(0, messageOf(error), [error instanceof Error ? (error.stack ?? '') : '']));
  }
  return { violation: world.violation, story: world.story ?? [], world };
}

export function describeStep(step: Step): string {
  const { kind, ...rest } = step;
  return `${kind} ${Object.entries(rest)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ')}`;
}

function begin(world: World): void {
  for (const node of world.nodes.values()) node.start();
  world.scheduler.runFor(1);
  for (const node of world.nodes.values())
    for (const table of world.config.tables)
      void node.running.store.catalog.createTable({ database: 'd', name: table, primaryKey: 'id' });
  world.scheduler.runFor(1);
  for (const { a, b, dial, agreements } of world.config.pairs) {
    for (const [one, other, isDialling] of [
      [a, b, dial !== 'b'],
      [b, a, dial !== 'a'],
    ] as const) {
      const row: NodeRow = {
        name: other,
        ...(isDialling ? { host: other, port: 1 } : {}),
        subscriptions: [],
        nkey: 'U',
        addedVersion: 1,
      };
      void world.node(one).running.store.nodes.put(row);
    }
    world.scheduler.runFor(0);
    for (const agreement of agreements) agree(world, a, b, agreement);
  }
  world.scheduler.runFor(0);
}

function running(world: World, name: string): Life | undefined {
  const { life } = world.node(name);
  return life?.isReady ? life : undefined;
}

/** What add_node and update_node do: a new version of one channel in the row of the peer. */
function agree(world: World, a: string, b: string, agreement: Agreement): void {
  const life = running(world, a);
  if (!life) return;
  const { table, publish, subscribe, sinceMs } = agreement;
  // No draw of its own: the histories stay the same, and every order of the tables comes up.
  const priority = [undefined, 0, 9][(world.config.seed * (world.config.tables.indexOf(table) + 1)) % 3];
  const startTimeMs = sinceMs === undefined ? undefined : life.now() - sinceMs;
  world.oracle.agreements.agreed(a, b, table, publish, subscribe, startTimeMs);
  const change = async (): Promise<void> => {
    const version = await life.store.nodes.decide((version) => version);
    await life.store.nodes.update(b, (row) => {
      if (!row) return undefined;
      const onDelete = agreement.onDelete ?? row.subscriptions.find((one) => one.table === table)?.onDelete;
      const subscription: Subscription = {
        database: 'd',
        table,
        publish,
        subscribe,
        version,
        ...(startTimeMs === undefined ? {} : { startTimeMs }),
        ...(onDelete === undefined ? {} : { onDelete }),
        ...(priority === undefined ? {} : { priority }),
      };
      const kept = row.subscriptions.filter((one) => one.table !== table);
      return { ...row, subscriptions: [...kept, subscription] };
    });
    await life.sync();
  };
  attempt(world, life, 'agree', change);
}

function attempt(world: World, life: Life, what: string, run: () => Promise<void>): void {
  run().catch((error: unknown) => {
    if (life.isDead) return;
    if (error instanceof CodedError) world.tell(`${life.name} refuses ${what}: ${error.message}`);
    else world.failed(life, what, error);
  });
}

function runStep(world: World, step: Step): void {
  switch (step.kind) {
    case 'pass':
      world.scheduler.runFor(step.ms);
      return;
    case 'write':
    case 'delete':
    case 'transaction':
      work(world, step);
      return;
    case 'block':
      world.network.block(step.from, step.to);
      if (step.isBoth) world.network.block(step.to, step.from);
      return;
    case 'heal':
      world.network.healAll();
      return;
    case 'cut':
      running(world, step.from)?.cut(step.to);
      return;
    case 'weather':
      Object.assign(world.weather, {
        loss: step.loss,
        duplicates: step.duplicates,
        delays: step.delays,
        ackLoss: step.ackLoss,
      });
      return;
    case 'corrupt':
      world.weather.corruptions += step.count;
      return;
    case 'agree':
      world.oracle.deletes.reshared.add(step.agreement.table);
      agree(world, step.a, step.b, step.agreement);
      return;
    default:
      befall(world, step);
  }
}

type Work = Extract<Step, { kind: 'write' | 'delete' | 'transaction' }>;

function work(world: World, step: Work): void {
  const life = running(world, step.at);
  if (!life) return;
  const { store } = life;
  const user = world.oracle.nextOperation(step.at);
  const value = world.random.below(1_000);
  const documents = step.keys.map((id) => ({
    id,
    by: step.at,
    value,
    ...('pad' in step && step.pad > 0 ? { pad: 'x'.repeat(step.pad) } : {}),
  }));
  const run = async (): Promise<void> => {
    if (step.kind === 'transaction') {
      const steps = step.tables.flatMap((name) => {
        const table = store.catalog.table('d', name);
        return table ? [{ table, operation: 'upsert' as const, documents }] : [];
      });
      const results = await store.transact(steps, user);
      world.oracle.acknowledged(
        user,
        results.some(({ written }) => written.length > 0),
      );
      return;
    }
    const table = store.catalog.table('d', step.table);
    if (!table) return;
    if (step.kind === 'delete') {
      const { deleted } = await store.delete({ table, keys: step.keys, user });
      world.oracle.acknowledged(user, deleted.length > 0);
      return;
    }
    const { written } = await store.write({ table, operation: step.operation, documents, user });
    world.oracle.acknowledged(user, written.length > 0);
  };
  attempt(world, life, step.kind, run);
}

type Fate = Exclude<
  Step,
  {
    kind:
      | 'pass'
      | 'write'
      | 'delete'
      | 'transaction'
      | 'block'
      | 'heal'
      | 'cut'
      | 'weather'
      | 'corrupt'
      | 'agree';
  }
>;

function befall(world: World, step: Fate): void {
  const node = world.node(step.at);
  const life = running(world, step.at);
  switch (step.kind) {
    case 'crash': {
      if (step.point === 'now') node.stop();
      else node.armCrash(step.point, step.passes);
      if (step.losesStreams) {
        for (const table of world.config.tables)
          if (world.random.chance(0.5)) node.streams.damage(channelName('d', table), 'truncated');
        node.streams.restart();
      }
      world.scheduler.after(step.downMs, () => {
        node.disarm();
        node.start();
      });
      return;
    }
    case 'stream': {
      const isDone = node.streams.damage(channelName('d', step.table), step.fault);
      if (!isDone) world.tell('there was nothing to damage');
      // Files of a stream are only lost while nobody has them open.
      if (step.isRestarted || step.fault === 'truncated' || step.fault === 'rewound') node.streams.restart();
      return;
    }
    case 'save streams':
      node.streams.save();
      return;
    case 'purge': {
      const table = life?.store.catalog.table('d', step.table);
      if (!life || !table) return;
      attempt(world, life, 'purge', async () => {
        await life.store.purgeChannel(table, { keep: step.keep });
        life.publishers?.reconcile(channelName('d', step.table));
      });
      return;
    }
    case 'clock':
      node.offsetMs = step.offsetMs;
      return;
    case 'slow':
      node.isSlow = step.isSlow;
      return;
    case 'back up':
      node.backup = node.disk.copy(0);
      return;
    case 'restore':
      if (!node.backup) return;
      node.stop();
      node.disk = node.backup.copy(step.isUnnoticed ? node.disk.inode : world.drawInode());
      world.oracle.replaced(node, node, step.isUnnoticed);
      node.start();
      return;
    case 'clone': {
      const from = world.node(step.from);
      const rows = life?.rows();
      if (!rows) return;
      // A person makes a clone, and sees it through.
      node.disarm();
      node.isSlow = false;
      node.stop();
      node.disk = from.disk.copy(world.drawInode());
      world.oracle.replaced(node, from, false);
      node.start();
      world.scheduler.runFor(0);
      takeRows(world, node.name, rows);
      return;
    }
    case 'drop table':
      if (life) attempt(world, life, 'drop', async () => life.store.catalog.dropTable('d', step.table));
      return;
    case 'create table':
      if (life)
        attempt(world, life, 'create', async () => {
          await life.store.catalog.createTable({ database: 'd', name: step.table, primaryKey: 'id' });
        });
      return;
  }
}

/** A clone is made a node of its own: its peers are those of the node whose place it takes. */
function takeRows(world: World, name: string, rows: readonly NodeRow[]): void {
  const life = running(world, name);
  if (!life) return;
  attempt(world, life, 'clone', async () => {
    for (const { name: stranger } of life.rows()) {
      if (rows.some((row) => row.name === stranger)) continue;
      await life.store.replaceSystemDocument('hdb_nodes', stranger, null);
    }
    for (const row of rows) await life.store.nodes.put(row);
    await life.sync();
  });
}
