import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const factory = new URL('../../examples/factory/', import.meta.url);
const program = fileURLToPath(new URL('edge-application.mjs', factory));

/** What the machine measured, line by line, without the heading. */
export const measuredLines = readFileSync(new URL('machine_temperature_system_failure.csv', factory), 'utf8')
  .trimEnd()
  .split('\n')
  .slice(1);

/** An hour of readings: what the sensor hands over at a time. */
const linesAtATime = 12;

/** The factory's program, run as the factory would, and the sensor that feeds it: the next hour when the last is stored. */
export class EdgeProgram {
  /** How many readings were stored, and when, in order. @type {{ rows: number, atMs: number }[]} */
  stored = [];
  /** @type {{ alert: string, value: number, limit: 'low' | 'high', low: number, high: number, atMs: number }[]} */
  alerts = [];
  /** The limits that the program worked with last. @type {{ low: number, high: number } | undefined} */
  limits;
  #child;
  #given = 0;
  #errors = '';
  #hasEnded = false;
  /** Called at each line of the program and at its end. */
  #news = () => {};
  #onProgress;

  /**
   * @param {import('./node-api.mjs').NodeApi} api of the node beside it
   * @param {() => void} onProgress
   */
  constructor({ url, username, password }, onProgress) {
    this.#onProgress = onProgress;
    this.#child = spawn(process.execPath, [program], {
      env: { ...process.env, LYRE_URL: url, LYRE_USERNAME: username, LYRE_PASSWORD: password },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    createInterface(this.#child.stdout).on('line', (line) => this.#heard(JSON.parse(line)));
    this.#child.stderr.on('data', (text) => (this.#errors += text));
    // Its end is told below, with the reason.
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('close', () => {
      this.#hasEnded = true;
      this.#news();
    });
  }

  get rows() {
    return this.stored.at(-1)?.rows ?? 0;
  }

  /**
   * Feeds the program, as fast as it stores.
   *
   * @param {number} end the line to stop before
   * @param {() => boolean} [isEnough] asked after each hour
   * @throws an Error when the program has ended
   */
  async feed(end, isEnough = () => false) {
    while (this.#given < end && !isEnough()) {
      const lines = measuredLines.slice(this.#given, Math.min(end, this.#given + linesAtATime));
      this.#given += lines.length;
      const stored = this.#until(this.#given);
      this.#child.stdin.write(lines.map((line) => `${line}\n`).join(''));
      await stored;
    }
  }

  /** The sensor has nothing more to say. */
  async finish() {
    this.#child.stdin.end();
    while (!this.#hasEnded) await this.#nextNews();
    if (this.#child.exitCode !== 0) throw new Error(`The edge application failed: ${this.#errors.trim()}`);
  }

  stop() {
    this.#child.kill('SIGKILL');
  }

  /** @param {number} rows */
  async #until(rows) {
    while (this.rows < rows) {
      if (this.#hasEnded) throw new Error(`The edge application has ended: ${this.#errors.trim()}`);
      await this.#nextNews();
    }
  }

  #nextNews() {
    return new Promise((resolve) => (this.#news = () => resolve(undefined)));
  }

  #heard(fact) {
    const atMs = performance.now();
    if (fact.limits !== undefined) this.limits = fact.limits;
    if (fact.alert !== undefined) this.alerts.push({ ...fact, ...this.limits, atMs });
    if (fact.stored !== undefined) {
      this.stored.push({ rows: this.rows + fact.stored, atMs });
      this.#onProgress();
    }
    this.#news();
  }
}

/**
 * The first line of a day.
 *
 * @param {string} day
 */
export function lineOf(day) {
  return measuredLines.findIndex((line) => line >= day);
}
