import type { PeerStatus, ReplicationStatus } from '../model/replication-control.ts';
import type { Logger } from '../runtime/logger.ts';
import { RunLoop } from '../runtime/run-loop.ts';
import type { Store } from '../store/store.ts';
import { AlarmLog, nodeAlarms, peerAlarms, type Alarm } from './alarms.ts';

export interface ReplicationReportOptions {
  readonly store: Store;
  readonly isServerUp: () => boolean;
  /** Every peer that is not removed. */
  readonly peers: () => readonly PeerStatus[];
  readonly maxClockSkewMs: number;
  readonly log: Logger;
}

const lookAgainMs = 10_000;

/** What replication tells a person: all of it when asked, and by itself, in the log, what raises an alarm. */
export class ReplicationReport implements AsyncDisposable {
  readonly #options: ReplicationReportOptions;
  readonly #loop: RunLoop;

  constructor(options: ReplicationReportOptions) {
    this.#options = options;
    const { store, peers, log } = options;
    const alarmLog = new AlarmLog(log);
    this.#loop = new RunLoop({
      name: 'alarms',
      body: async () => {
        alarmLog.report([...nodeAlarms(store), ...peers().flatMap((peer) => this.#alarmsOf(peer))]);
        return false;
      },
      idleMs: lookAgainMs,
      log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  status(): ReplicationStatus {
    const { store, isServerUp, peers } = this.#options;
    return {
      nats: isServerUp() ? 'running' : 'down',
      peers: peers().map((peer) => {
        const alarms = this.#alarmsOf(peer).map(({ text }) => text);
        return alarms.length > 0 ? { ...peer, alarms } : peer;
      }),
      alarms: nodeAlarms(store).map(({ text }) => text),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
  }

  #alarmsOf(peer: PeerStatus): readonly Alarm[] {
    return peerAlarms(peer, this.#options.maxClockSkewMs);
  }
}
