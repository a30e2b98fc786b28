import { msToVersion } from '../../src/model/version-clock.ts';

/** Everything that nodes have ever agreed on: what may have come where, and what start times leave out. */
export class Agreements {
  readonly #tables: readonly string[];
  readonly #nodes: () => Iterable<string>;
  /** Ways that were ever open, per table: `from>to table`. */
  readonly #ways = new Set<string>();
  /** Latest start time, as a version, by both nodes and the table. */
  readonly #startTimes = new Map<string, number>();

  constructor(tables: readonly string[], nodes: () => Iterable<string>) {
    this.#tables = tables;
    this.#nodes = nodes;
  }

  agreed(
    a: string,
    b: string,
    table: string,
    publish: boolean,
    subscribe: boolean,
    startTimeMs?: number,
  ): void {
    if (publish) this.#ways.add(`${a}>${b} ${table}`);
    if (subscribe) this.#ways.add(`${b}>${a} ${table}`);
    if (startTimeMs !== undefined) this.#leavesOut(a, b, table, msToVersion(startTimeMs));
  }

  /** A change that a subscription's start time leaves out. */
  isBefore(startAt: string, peer: string, table: string, version: number): boolean {
    return version <= (this.#startTimes.get(`${startAt} ${peer} ${table}`) ?? 0);
  }

  /** A change that the start time of any of its subscriptions leaves out. */
  isBeforeAny(startAt: string, table: string, version: number): boolean {
    for (const peer of this.#nodes()) if (this.isBefore(startAt, peer, table, version)) return true;
    return false;
  }

  canCome(from: string, to: string, table: string): boolean {
    const reached = new Set([from]);
    for (const name of reached)
      for (const other of this.#nodes()) if (this.#ways.has(`${name}>${other} ${table}`)) reached.add(other);
    return reached.has(to);
  }

  /** A disk got the contents of another node's. */
  cloned(node: string, from: string): void {
    for (const table of this.#tables) this.#ways.add(`${from}>${node} ${table}`);
    // Until somebody makes it a node of its own it tells everybody what the other had agreed.
    for (const way of this.#ways) {
      const [one = '', other = '', table = ''] = way.split(/[> ]/);
      if (one === from) this.#ways.add(`${node}>${other} ${table}`);
      if (other === from) this.#ways.add(`${one}>${node} ${table}`);
    }
    for (const [name, version] of this.#startTimes) {
      const [one, other = '', table = ''] = name.split(' ');
      if (one === from) this.#leavesOut(node, other, table, version);
    }
  }

  #leavesOut(a: string, b: string, table: string, version: number): void {
    for (const name of [`${a} ${b} ${table}`, `${b} ${a} ${table}`])
      this.#startTimes.set(name, Math.max(this.#startTimes.get(name) ?? 0, version));
  }
}
