import { encodeBody } from '../../src/channel/message-body.ts';
import { channelResponse } from '../../src/channel/protocol.ts';
import {
  decodeItems,
  decodeMessage,
  encodeItems,
  type FramedItem,
} from '../../src/model/transaction-codec.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface Weather {
  /** Chance that a message is lost on a link that looks well. */
  loss: number;
  /** Chance that a message arrives twice. */
  duplicates: number;
  /** Chance that a message takes seconds. */
  delays: number;
  /** How many of the next bodies are damaged on the way. */
  corruptions: number;
  /** Chance that a stream's confirmation is lost. */
  ackLoss: number;
}

/** What is sent in one order and, on the whole, arrives in it. */
export interface Lane {
  lastMs: number;
}

export interface NetworkOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly weather: Weather;
  readonly tell: (line: string) => void;
}

/** Carries what nodes send each other: late, out of order, twice, or not at all. */
export class Network {
  readonly #options: NetworkOptions;
  /** `a>b`: nothing gets from a to b; nobody is told. */
  readonly #blocked = new Set<string>();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  block(from: string, to: string): void {
    this.#blocked.add(`${from}>${to}`);
  }

  heal(from: string, to: string): void {
    this.#blocked.delete(`${from}>${to}`);
  }

  healAll(): void {
    this.#blocked.clear();
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from}>${to}`);
  }

  canConnect(from: string, to: string): boolean {
    return !this.isBlocked(from, to) && !this.isBlocked(to, from);
  }

  readonly counts = new Map<string, number>();

  transmit(from: string, to: string, what: string, deliver: () => void, lane?: Lane): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    const { random, weather, tell } = this.#options;
    if (this.isBlocked(from, to) || random.chance(weather.loss)) {
      if (!this.isBlocked(from, to)) tell(`${what} from ${from} to ${to} is lost`);
      return;
    }
    this.#deliver(from, to, what, deliver, lane);
    if (random.chance(weather.duplicates)) {
      tell(`${what} from ${from} to ${to} arrives twice`);
      this.#deliver(from, to, what, deliver, lane);
    }
  }

  /** The body of a message of a stream, perhaps with a transaction in it that cannot be read. */
  carriedMessage(body: Uint8Array): Uint8Array {
    if (this.#options.weather.corruptions === 0) return body;
    return encodeItems(this.#damaged(decodeItems(body)));
  }

  /** The answer of a service, in the same way. */
  carriedAnswer(body: Uint8Array): Uint8Array {
    if (this.#options.weather.corruptions === 0) return body;
    const parsed = channelResponse.safeParse(decodeMessage(body));
    if (!parsed.success || parsed.data.kind !== 'items') return body;
    return encodeBody({ ...parsed.data, items: this.#damaged(parsed.data.items) });
  }

  /** Without its end, an item is never valid. */
  #damaged(items: readonly FramedItem[]): FramedItem[] {
    const { random, weather, tell } = this.#options;
    const at = random.below(items.length);
    return items.map((item, index) => {
      if (index !== at) return item;
      weather.corruptions -= 1;
      tell(`transaction ${item.id}, number ${item.seq}, is damaged on the way`);
      return { ...item, bytes: item.bytes.subarray(0, item.bytes.length - 3) };
    });
  }

  #deliver(from: string, to: string, what: string, deliver: () => void, lane: Lane | undefined): void {
    const { scheduler, random, weather, tell } = this.#options;
    const isLate = random.chance(weather.delays);
    if (isLate) tell(`${what} from ${from} to ${to} takes long`);
    const delayMs = isLate ? random.between(500, 8_000) : random.between(1, 12);
    // What overtakes is only what was held up.
    const atMs =
      isLate || !lane ? scheduler.nowMs + delayMs : Math.max(lane.lastMs, scheduler.nowMs + delayMs);
    if (lane && !isLate) lane.lastMs = atMs;
    scheduler.after(atMs - scheduler.nowMs, () => {
      if (!this.isBlocked(from, to)) deliver();
    });
  }
}
