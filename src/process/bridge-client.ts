import type { ChildProcess } from 'node:child_process';
import { CodedError } from '../model/errors.ts';
import type {
  ConnectOutcome,
  NetworkNode,
  ReplicationControl,
  ReplicationStatus,
  VerifiedTable,
} from '../model/replication-control.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Answers, FromBridge, Question, ToBridge } from './bridge-messages.ts';

type Kind = keyof Answers;
type QuestionOf<K extends Kind> = Extract<Question, { kind: K }>;

interface Waiting {
  readonly resolve: (value: Answers[Kind]) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export interface BridgeClientOptions {
  /** Resolves when this process commits nothing, to what ends that. */
  readonly holdCommits: () => Promise<() => void>;
  /** Whether the bridge has anybody to tell of a commit. */
  readonly hasReaders: () => boolean;
  readonly log: Logger;
}

const writingHintMs = 250;
/** Opening takes some ms; writes wait for it. */
const maxOpenMs = 2_000;

/**
 * The bridge process as the api process speaks to it: hints that may be lost, and questions that are
 * answered or rejected with `unavailable` in bounded time.
 */
export class BridgeClient implements ReplicationControl {
  readonly #waiting = new Map<number, Waiting>();
  readonly #holdCommits: () => Promise<() => void>;
  readonly #hasReaders: () => boolean;
  readonly #log: Logger;
  #child: ChildProcess | undefined;
  /** Lets commits go on that a bridge holds back while it opens the store. */
  #release: (() => void) | undefined;
  #ready: Promise<void>;
  #markReady: () => void = () => {};
  #isReady = false;
  #hint: 'none' | 'due' | 'on its way' | 'due again' = 'none';
  #writingHintAtMs = -Infinity;
  #nextId = 1;
  #failure: string | undefined;

  constructor({ holdCommits, hasReaders, log }: BridgeClientOptions) {
    this.#holdCommits = holdCommits;
    this.#hasReaders = hasReaders;
    this.#log = log;
    this.#ready = new Promise((resolve) => (this.#markReady = resolve));
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Why the last bridge could not start. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** A new bridge process: sends it its configuration. */
  attach(child: ChildProcess, start: ToBridge): void {
    this.#child = child;
    this.#hint = 'none';
    child.on('message', (message: FromBridge) => {
      if (message.kind === 'opening') void this.#letOpen(child);
      else this.#receive(message);
    });
    child.once('exit', () => this.#detach(child));
    this.#send(start);
  }

  async status(): Promise<ReplicationStatus> {
    return this.#ask({ kind: 'status' }, 2_000);
  }

  async connect(node: string, timeoutMs: number): Promise<ConnectOutcome> {
    return this.#ask({ kind: 'connect', node, timeoutMs }, timeoutMs + 1_000);
  }

  async arePeersInForce(timeoutMs: number): Promise<boolean> {
    return this.#ask({ kind: 'peersInForce', timeoutMs }, timeoutMs + 1_000);
  }

  async network(timeoutMs: number): Promise<readonly NetworkNode[]> {
    return this.#ask({ kind: 'network', timeoutMs }, timeoutMs + 1_000);
  }

  async verify(
    database: string,
    table: string,
    node: string | undefined,
    timeoutMs: number,
  ): Promise<readonly VerifiedTable[]> {
    return this.#ask({ kind: 'verify', database, table, node, timeoutMs }, timeoutMs + 1_000);
  }

  async purge(database: string, table: string): Promise<void> {
    return this.#ask({ kind: 'purge', database, table }, 5_000);
  }

  /**
   * False when this bridge has not answered within the time, although it is still the one that runs; a ping is answered
   * even while the bridge starts.
   */
  async answers(withinMs: number): Promise<boolean> {
    const child = this.#child;
    return this.#put({ kind: 'ping' }, withinMs).then(
      () => true,
      () => this.#child !== child,
    );
  }

  wake(): void {
    this.#send({ kind: 'wake' });
  }

  /** A client writes: now and then is enough, the bridge takes it that more will follow. */
  writing(): void {
    const nowMs = performance.now();
    if (nowMs - this.#writingHintAtMs < writingHintMs) return;
    this.#writingHintAtMs = nowMs;
    this.#send({ kind: 'writing' });
  }

  /**
   * One hint for all that a flush has brought to the disk, ahead of the answers to those who wait for it: the bridge
   * reads while they are written. None where nobody would read on, and none before the last one has gone: they would
   * pile up before a bridge that stands still.
   */
  committed(): void {
    if (this.#hint === 'none') queueMicrotask(() => this.#sendHint());
    this.#hint = this.#hint === 'none' || this.#hint === 'due' ? 'due' : 'due again';
  }

  #sendHint(): void {
    const child = this.#child;
    this.#hint = 'none';
    if (!child?.connected || !this.#mayHaveReaders()) return;
    this.#hint = 'on its way';
    child.send({ kind: 'committed' } satisfies ToBridge, () => {
      if (child !== this.#child) return;
      if (this.#hint === 'due again') this.#sendHint();
      else this.#hint = 'none';
    });
  }

  /** Where that cannot be read, the hint is sent: one too many costs little. Nobody else would catch what reading throws. */
  #mayHaveReaders(): boolean {
    try {
      return this.#hasReaders();
    } catch (error) {
      this.#log.warn({ err: error }, 'store cannot say whether the bridge has readers: hint sent');
      return true;
    }
  }

  /** Resolves when the bridge runs, or after `timeoutMs`. */
  async ready(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      this.#ready,
      new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs))),
    ]);
    clearTimeout(timer);
  }

  async #ask<K extends Kind>(question: QuestionOf<K>, timeoutMs: number): Promise<Answers[K]> {
    await this.ready(timeoutMs);
    if (!this.#isReady)
      throw new CodedError(
        'unavailable',
        `The bridge is not running${this.#failure ? `: ${this.#failure}` : ''}`,
      );
    return this.#put(question, timeoutMs);
  }

  /** To a bridge that may not run yet. */
  async #put<K extends Kind>(question: QuestionOf<K>, timeoutMs: number): Promise<Answers[K]> {
    const id = this.#nextId++;
    const answer = await new Promise<Answers[Kind]>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          this.#settle(id)?.reject(
            new CodedError(
              'unavailable',
              `The bridge did not answer ${question.kind} within ${timeoutMs} ms`,
            ),
          ),
        timeoutMs,
      );
      this.#waiting.set(id, { resolve, reject, timer });
      this.#send({ kind: 'ask', id, question });
    });
    // The bridge answers each question by its kind: see `bridge-main.ts`.
    return answer as Answers[K];
  }

  /** One that does not come to an end is ended: it must not go on opening while commits go on. */
  async #letOpen(child: ChildProcess): Promise<void> {
    const goOn = await this.#holdCommits();
    const timer = setTimeout(() => child.kill('SIGKILL'), maxOpenMs);
    const release = (): void => {
      clearTimeout(timer);
      child.off('exit', release);
      if (this.#release === release) this.#release = undefined;
      goOn();
    };
    if (child.exitCode !== null || child.signalCode !== null) {
      release();
      return;
    }
    child.once('exit', release);
    this.#release = release;
    this.#send({ kind: 'open' }, child);
  }

  #receive(message: Exclude<FromBridge, { kind: 'opening' }>): void {
    switch (message.kind) {
      case 'opened':
        this.#release?.();
        break;
      case 'ready':
        this.#isReady = true;
        this.#failure = undefined;
        this.#markReady();
        break;
      case 'failed':
        this.#failure = message.reason;
        break;
      case 'answer':
        this.#settle(message.id)?.resolve(message.value);
        break;
      case 'refused':
        this.#settle(message.id)?.reject(new CodedError('unavailable', message.reason));
        break;
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  #detach(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#isReady = false;
    this.#ready = new Promise((resolve) => (this.#markReady = resolve));
    for (const id of [...this.#waiting.keys()])
      this.#settle(id)?.reject(new CodedError('unavailable', 'The bridge stopped before it answered'));
  }

  #send(message: ToBridge, child = this.#child): void {
    if (!child?.connected) return;
    // A channel that breaks while we send is the death of the child, which its exit tells.
    child.send(message, () => undefined);
  }
}
