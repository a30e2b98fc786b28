import type { Life } from './life.ts';
import type { Mutation } from './mutations.ts';
import { Network, type Weather } from './network.ts';
import { Oracle } from './oracle.ts';
import type { PlanConfig } from './plan.ts';
import { CodedError, messageOf } from '../../src/model/errors.ts';
import { Random } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { SimulatedNode } from './simulated-node.ts';
import { Violation } from './violation.ts';

/** All nodes of one history and what is between them. */
export class World {
  readonly config: PlanConfig;
  readonly random: Random;
  readonly scheduler = new Scheduler();
  readonly weather: Weather = { loss: 0, duplicates: 0, delays: 0, corruptions: 0, ackLoss: 0 };
  readonly network: Network;
  readonly nodes = new Map<string, SimulatedNode>();
  readonly oracle: Oracle;
  readonly mutation: Mutation;
  /** First one found; a history ends with it. */
  violation: Violation | undefined;
  readonly story: string[] | undefined;
  #inodes = 100;

  constructor(config: PlanConfig, mutation: Mutation, isTold: boolean) {
    this.config = config;
    this.mutation = mutation;
    this.story = isTold ? [] : undefined;
    this.random = new Random(config.seed ^ 0x5bd1e995);
    const { scheduler, random, weather } = this;
    this.network = new Network({ scheduler, random, weather, tell: (line) => this.tell(line) });
    this.oracle = new Oracle(this);
    scheduler.isOver = () => this.isOver;
    for (const { name, drift } of config.nodes) this.nodes.set(name, new SimulatedNode(this, name, drift));
  }

  node(name: string): SimulatedNode {
    const node = this.nodes.get(name);
    if (!node) throw new Error(`There is no node ${name}`);
    return node;
  }

  /** Nothing happens any more. */
  get isOver(): boolean {
    return this.violation !== undefined || this.#isSpinning();
  }

  drawInode(): number {
    this.#inodes += 1;
    return this.#inodes;
  }

  tell(line: string): void {
    this.story?.push(`      ${this.scheduler.nowMs.toFixed(0).padStart(6)} ms  ${line}`);
  }

  /** A defect that was put in may break others before the invariant that it is meant to break: those pass unnoticed. */
  violate(violation: Violation): void {
    const { shows = violation.invariant } = this.mutation;
    if (violation.invariant === shows) this.violation ??= violation;
  }

  /** A connection to the peer as it lives now. @throws CodedError `unavailable` */
  dial(self: Life, peer: string): Life {
    const life = this.node(peer).life;
    if (!life?.isReady || !this.network.canConnect(self.name, peer))
      throw new CodedError('unavailable', `${peer} cannot be reached`);
    return life;
  }

  /** Nothing that ends takes so many steps. */
  #isSpinning(): boolean {
    if (this.scheduler.ran < 150_000) return false;
    this.violate(new Violation(2, 'the nodes do not come to rest: they never stop exchanging'));
    return true;
  }

  ended(life: Life): void {
    for (const node of this.nodes.values()) node.life?.peerEnded(life);
  }

  /** Something threw within a loop or a service: what has no code is a bug. */
  failed(life: Life, where: string, error: unknown): void {
    if (life.isDead) return;
    this.tell(`${life.name}: ${where} failed: ${messageOf(error)}`);
    if (error instanceof Violation) this.violate(error);
    else if (!(error instanceof CodedError))
      this.violate(
        new Violation(0, `${life.name}: ${where} threw ${messageOf(error)}`, [
          error instanceof Error ? (error.stack ?? '') : '',
        ]),
      );
  }

  broken(node: SimulatedNode, error: unknown): void {
    this.violate(new Violation(0, `${node.name} does not start: ${messageOf(error)}`));
  }
}
