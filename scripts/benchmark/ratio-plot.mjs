import { round } from './figure.mjs';

const rowHeight = 26;
const top = 46;
const scale = { left: 430, right: 730 };
const width = 940;
const style =
  'text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600;font-size:14px}.small{fill:#666;font-size:11px}.grid{stroke:#ddd}.even{stroke:#444}.spread{stroke:#222}.ahead{fill:#2f7d5b}.behind{fill:#c9723a}';

/**
 * Bars of how many times as good as the second system the first is in each figure, with the spread over the runs, as SVG.
 * To the right of 1 it is ahead, whether higher or lower values are better.
 *
 * @param {string} title
 * @param {readonly import('./report.mjs').Summary[]} summaries those without a ratio are left out
 * @param {readonly import('./report.mjs').Summary[]} all of the plots that share a scale with this one
 * @returns {string}
 */
export function ratioPlot(title, summaries, all) {
  const rows = summaries.filter(isCompared);
  const ticks = ticksAround(all.filter(isCompared).flatMap((summary) => Object.values(goodness(summary))));
  const x = (/** @type {number} */ value) =>
    scale.left +
    (Math.log(value / ticks[0]) / Math.log(ticks[ticks.length - 1] / ticks[0])) * (scale.right - scale.left);
  const bottom = top + rows.length * rowHeight;
  const [ours, theirs] = rows[0]?.of.split('/') ?? [];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${bottom + 28}" viewBox="0 0 ${width} ${bottom + 28}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style}</style><rect width="100%" height="100%" fill="#fff"/>`,
    `<text class="title" x="12" y="22">${escaped(title)}</text>`,
    `<text class="small" x="${px(x(1) - 6)}" y="38" text-anchor="end">${theirs} ahead</text>`,
    `<text class="small" x="${px(x(1) + 6)}" y="38">${ours} ahead</text>`,
    ...ticks.map(
      (tick) =>
        `<line class="${tick === 1 ? 'even' : 'grid'}" x1="${px(x(tick))}" x2="${px(x(tick))}" y1="${top}" y2="${bottom}"/>` +
        `<text class="small" x="${px(x(tick))}" y="${bottom + 16}" text-anchor="middle">${tick}</text>`,
    ),
    ...rows.map((summary, at) => bar(summary, top + at * rowHeight, x)),
    '</svg>',
    '',
  ].join('\n');
}

/**
 * @param {import('./report.mjs').Summary} summary
 * @returns {summary is import('./report.mjs').Compared}
 */
function isCompared(summary) {
  return summary.ratio !== undefined;
}

/**
 * @param {import('./report.mjs').Compared} summary
 * @param {number} y
 * @param {(value: number) => number} x
 */
function bar(summary, y, x) {
  const { median, min, max } = goodness(summary);
  const [from, to] = [Math.min(x(1), x(median)), Math.max(x(1), x(median))];
  const middle = y + rowHeight / 2;
  const [ours, theirs] = summary.of.split('/').map((system) => summary.systems[system]);
  const values = `${shown(ours.median)} / ${shown(theirs.median)} ${summary.unit}`;
  return [
    `<text x="${scale.left - 10}" y="${middle + 4}" text-anchor="end">${escaped(summary.figure)}</text>`,
    `<rect class="${median < 1 ? 'behind' : 'ahead'}" x="${px(from)}" y="${y + 5}" width="${px(to - from)}" height="${rowHeight - 10}"/>`,
    `<line class="spread" x1="${px(x(min))}" x2="${px(x(max))}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${scale.right + 12}" y="${middle + 4}">${escaped(values)}</text>`,
  ].join('');
}

/**
 * How many times as good: above 1 is better, whatever the figure.
 *
 * @param {import('./report.mjs').Compared} summary
 */
function goodness({ ratio: { median, min, max }, better }) {
  return better === 'higher' ? { median, min, max } : { median: 1 / median, min: 1 / max, max: 1 / min };
}

/**
 * 1, 2 and 5 times powers of ten: those between the values, the nearest beyond them, and 1.
 *
 * @param {readonly number[]} values
 */
function ticksAround(values) {
  const low = Math.min(0.5, ...values);
  const high = Math.max(2, ...values);
  const steps = Array.from({ length: 13 }, (_, at) => at - 6).flatMap((power) =>
    [1, 2, 5].map((step) => Number(`${step}e${power}`)),
  );
  const first = steps.findLastIndex((step) => step <= low);
  const last = steps.findIndex((step) => step >= high);
  return steps.slice(first, last + 1);
}

/** @param {number} value */
function shown(value) {
  return round(value).toLocaleString('en-US', { maximumFractionDigits: 3 });
}

/** @param {number} value */
function px(value) {
  return Number(value.toFixed(1));
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
