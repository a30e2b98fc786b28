import { memoryOf } from './node-processes.ts';

/** Samples the resident memory of processes and keeps each one's highest value, also of those that have died. */
export class MemoryWatch implements Disposable {
  readonly #pids: () => readonly (readonly [string, number | undefined])[];
  readonly #peaks = new Map<string, number>();
  readonly #ownPeaks = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #samples = 0;

  /** @param pids asked again at every sample, since a process may be replaced */
  constructor(pids: () => readonly (readonly [string, number | undefined])[]) {
    this.#pids = pids;
    this.#timer = setInterval(() => this.#sample(), 250);
    this.#sample();
  }

  get samples(): number {
    return this.#samples;
  }

  /** Highest resident memory of each, in MiB. */
  get peaksMiB(): Readonly<Record<string, number>> {
    this.#sample();
    return inMiB(this.#peaks);
  }

  /** Without the pages of mapped files: highest of the samples, in MiB. */
  get ownPeaksMiB(): Readonly<Record<string, number>> {
    this.#sample();
    return inMiB(this.#ownPeaks);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    this.#samples += 1;
    for (const [name, pid] of this.#pids()) {
      const memory = pid === undefined ? undefined : memoryOf(pid);
      if (!memory) continue;
      this.#peaks.set(name, Math.max(this.#peaks.get(name) ?? 0, memory.peakBytes));
      this.#ownPeaks.set(name, Math.max(this.#ownPeaks.get(name) ?? 0, memory.ownBytes));
    }
  }
}

function inMiB(bytes: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...bytes].map(([name, count]) => [name, Math.round(count / 1024 ** 2)]));
}
