const intervalMs = 100;
const barWidth = 24;

/** One line on a terminal that says how far something has come; nothing where standard error is no terminal. */
export class ProgressLine implements Disposable {
  readonly #what: string;
  readonly #terminal: NodeJS.WriteStream | undefined;
  readonly #startedAtMs = performance.now();
  #shownAtMs = Number.NEGATIVE_INFINITY;

  constructor(what: string, terminal: NodeJS.WriteStream = process.stderr) {
    this.#what = what;
    this.#terminal = terminal.isTTY ? terminal : undefined;
  }

  /** @param total undefined when nobody knows it */
  show(done: { readonly bytes: number; readonly rows?: number }, total: number | undefined): void {
    const nowMs = performance.now();
    if (!this.#terminal || nowMs - this.#shownAtMs < intervalMs) return;
    this.#shownAtMs = nowMs;
    this.#terminal.write(`\r\u001b[K${this.#what} ${progressText(done, total, nowMs - this.#startedAtMs)}`);
  }

  /** Takes the line away. */
  [Symbol.dispose](): void {
    this.#terminal?.write('\r\u001b[K');
  }
}

/** `[####----] 50 %, 12.0 MiB, 1000 rows, 500 rows/s, 3 s left` */
export function progressText(
  { bytes, rows }: { readonly bytes: number; readonly rows?: number },
  total: number | undefined,
  elapsedMs: number,
): string {
  const parts = [`${(bytes / 2 ** 20).toFixed(1)} MiB`];
  if (rows !== undefined)
    parts.push(`${rows} rows`, `${Math.round((rows * 1_000) / Math.max(1, elapsedMs))} rows/s`);
  if (total === undefined || total === 0) return parts.join(', ');
  const part = Math.min(1, bytes / total);
  const filled = Math.round(part * barWidth);
  if (part > 0) parts.push(`${Math.ceil((elapsedMs * (1 / part - 1)) / 1_000)} s left`);
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}] ${Math.floor(part * 100)} %`;
  return [bar, ...parts].join(', ');
}
