const barWidth = 28;
const plainStep = 0.2;

/** What the user sees: lines, and below them a bar while there is one. Without a terminal the bar is a few lines. */
export class Screen {
  #isTerminal = process.stdout.isTTY === true;
  #bar = '';
  #nextPlain = plainStep;

  /** @param {string} [line] */
  say(line = '') {
    this.#write(line);
  }

  /** @param {string} title */
  head(title) {
    this.#write(`\n${this.#isTerminal ? `\x1b[1m${title}\x1b[0m` : title}`);
  }

  /**
   * @param {number} fraction
   * @param {string} text
   */
  progress(fraction, text) {
    if (!this.#isTerminal) {
      if (fraction < this.#nextPlain) return;
      while (fraction >= this.#nextPlain) this.#nextPlain += plainStep;
      return this.#write(`  ${percent(fraction)}  ${text}`);
    }
    const full = Math.round(fraction * barWidth);
    const bar = `  ${'━'.repeat(full)}${'·'.repeat(barWidth - full)} ${percent(fraction)}  ${text}`;
    this.#bar = bar.slice(0, (process.stdout.columns || 80) - 1);
    process.stdout.write(`\r\x1b[K${this.#bar}`);
  }

  endProgress() {
    if (this.#bar !== '') process.stdout.write('\r\x1b[K');
    this.#bar = '';
  }

  /**
   * @param {readonly (readonly string[])[]} rows the first is the heading; columns of numbers are to the right
   */
  table(rows) {
    const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
    const areNumbers = rows[0].map((_, column) =>
      rows.slice(1).every((row) => /^[\d,]+$/.test(row[column] ?? '')),
    );
    const line = (row) =>
      widths.map((width, column) => align(row[column] ?? '', width, areNumbers[column])).join('   ');
    const [heading, ...body] = rows.map(line);
    for (const text of [heading, '─'.repeat(heading.length), ...body]) this.#write(`  ${text}`.trimEnd());
  }

  /** @param {string} text */
  #write(text) {
    process.stdout.write(this.#bar === '' ? `${text}\n` : `\r\x1b[K${text}\n${this.#bar}`);
  }
}

/** @param {number} count */
export function grouped(count) {
  return Math.round(count).toLocaleString('en-US');
}

/** @param {number} ms */
export function seconds(ms) {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** @param {number} fraction */
function percent(fraction) {
  return `${Math.floor(fraction * 100)} %`.padStart(5);
}

/**
 * @param {string} text
 * @param {number} width
 * @param {boolean} isNumber
 */
function align(text, width, isNumber) {
  return isNumber ? text.padStart(width) : text.padEnd(width);
}
