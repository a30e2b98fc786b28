interface Task {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/**
 * Virtual time: what is due runs in order, and after each task every promise that it settled.
 *
 * Nothing else moves time. {@link Scheduler.runFor} must be called from a macrotask (see `inMacrotask`):
 * within a promise reaction Node does not run further ones.
 */
export class Scheduler {
  #nowMs = 0;
  #order = 0;
  #ran = 0;
  readonly #heap: Task[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Tasks that have run. */
  get ran(): number {
    return this.#ran;
  }

  /** Runs once, after `delayMs`; returns what prevents it. */
  after(delayMs: number, run: () => void): () => void {
    const task: Task = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, run };
    this.#order += 1;
    this.#push(task);
    return () => (task.run = undefined);
  }

  /** Ends {@link runFor} early. */
  isOver: () => boolean = () => false;

  runFor(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    drainPromises();
    for (;;) {
      const [next] = this.#heap;
      if (!next || next.atMs > endMs) break;
      if (this.isOver()) return;
      this.#pop();
      this.#nowMs = next.atMs;
      if (!next.run) continue;
      this.#ran += 1;
      next.run();
      drainPromises();
    }
    this.#nowMs = endMs;
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let index = heap.push(task) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (!above || isBefore(above, task)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = task;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = heap[child];
      if (!left) break;
      const right = heap[child + 1];
      if (right && isBefore(right, left)) child += 1;
      const below = heap[child];
      if (!below || isBefore(last, below)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Node's own step between two macrotasks: a turn of the event loop would cost twenty times as much. */
const ticks = process as { readonly _tickCallback?: () => void };

export function drainPromises(): void {
  ticks._tickCallback?.();
}

/** Runs `body` where {@link drainPromises} works. */
export async function inMacrotask<T>(body: () => T): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    setImmediate(() => {
      try {
        let isDrained = false;
        void Promise.resolve().then(() => (isDrained = true));
        drainPromises();
        if (!isDrained) throw new Error('This version of Node cannot run promise reactions on demand');
        resolve(body());
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}
