import { Life, type CrashPoint } from './life.ts';
import { freshDisk } from './fresh-disk.ts';
import type { MemoryDisk } from './memory-environment.ts';
import { Streams } from './streams.ts';
import type { World } from './world.ts';

const startMs = 1_800_000_000_000;

/** A machine: its disk, its nats-server, its clock; and a life while its processes run. */
export class SimulatedNode {
  readonly name: string;
  readonly world: World;
  readonly streams: Streams;
  disk: MemoryDisk;
  life: Life | undefined;
  /** A slow disk and a busy processor. */
  isSlow = false;
  /** What the clock is wrong by, ms; grows with the drift. */
  offsetMs = 0;
  readonly #drift: number;
  #crash: { readonly point: CrashPoint; left: number } | undefined;
  backup: MemoryDisk | undefined;

  constructor(world: World, name: string, drift: number) {
    this.world = world;
    this.name = name;
    this.#drift = drift;
    this.disk = freshDisk().copy(world.drawInode());
    this.streams = new Streams({
      random: world.random,
      maxMessageBytes: world.config.maxBatchBytes,
      ackLoss: () => world.weather.ackLoss,
      crashPoint: (point) => this.life?.crashPoint(point),
      onMessage: (channel) => world.scheduler.after(0, () => this.life?.deliver(channel)),
    });
  }

  get wallMs(): number {
    return Math.floor(startMs + this.world.scheduler.nowMs * (1 + this.#drift) + this.offsetMs);
  }

  /** The running life. @throws when the node is down */
  get running(): Life {
    if (!this.life?.isReady) throw new Error(`${this.name} is down`);
    return this.life;
  }

  /** The process will die the nth time that it passes this point. */
  armCrash(point: CrashPoint, passes: number): void {
    this.#crash = { point, left: passes };
  }

  disarm(): void {
    this.#crash = undefined;
  }

  diesAt(point: CrashPoint): boolean {
    const crash = this.#crash;
    if (!crash || crash.point !== point) return false;
    crash.left -= 1;
    if (crash.left > 0) return false;
    this.#crash = undefined;
    return true;
  }

  start(): void {
    if (this.life && !this.life.isDead) return;
    void Life.begin(this).catch((error: unknown) => this.world.broken(this, error));
  }

  stop(): void {
    this.life?.kill();
  }
}
