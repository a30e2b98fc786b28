import type { Config } from '../config/config.ts';
import { BridgeProgram } from './bridge-program.ts';
import { NatsProgram } from './nats-program.ts';

/** The programs that a node runs beside this process. */
export class NodePrograms {
  readonly bridge = new BridgeProgram();
  readonly nats: NatsProgram;
  readonly #config: Config;

  constructor(config: Config) {
    this.#config = config;
    this.nats = new NatsProgram(config.natsServerBin);
  }

  /** Begins what can be done for them while this process still loads its modules. */
  prepare(): void {
    if (!this.#config.clustering.enabled) return;
    if (!this.#config.bridge.inProcess) this.bridge.prepare();
    this.nats.prepare();
  }
}
