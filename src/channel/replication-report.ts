import type { PeerStatus, ReplicationStatus } from '../model/replication-control.ts';
import type { Logger } from '../runtime/logger.ts';
import { RunLoop } from '../runtime/run-loop.ts';
import type { Store } from '../store/store.ts';
import type { NodeKeys } from '../stream/node-keys.ts';
import { AlarmLog, keyAlarms, nodeAlarms, peerAlarms, routeAlarms, type Alarm } from './alarms.ts';
import type { RouteFailure } from './route-dialler.ts';

export interface ReplicationReportOptions {
  readonly store: Store;
  readonly keys: Pick<NodeKeys, 'publicKey'>;
  readonly isServerUp: () => boolean;
  /** Every peer that is not removed. */
  readonly peers: () => readonly PeerStatus[];
  readonly routeFailures: () => readonly RouteFailure[];
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
    const { peers, log } = options;
    const alarmLog = new AlarmLog(log);
    this.#loop = new RunLoop({
      name: 'alarms',
      body: async () => {
        alarmLog.report([...this.#nodeAlarms(), ...peers().flatMap((peer) => this.#alarmsOf(peer))]);
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
    const { isServerUp, peers } = this.#options;
    return {
      nats: isServerUp() ? 'running' : 'down',
      peers: peers().map((peer) => {
        const alarms = this.#alarmsOf(peer).map(({ text }) => text);
        return alarms.length > 0 ? { ...peer, alarms } : peer;
      }),
      alarms: this.#nodeAlarms().map(({ text }) => text),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
  }

  #nodeAlarms(): readonly Alarm[] {
    const { store, keys, routeFailures } = this.#options;
    const self = { name: store.nodeName, nkey: keys.publicKey };
    return [...nodeAlarms(store), ...keyAlarms(self, store.nodes.known()), ...routeAlarms(routeFailures())];
  }

  #alarmsOf(peer: PeerStatus): readonly Alarm[] {
    return peerAlarms(peer, this.#options.maxClockSkewMs);
  }
}
