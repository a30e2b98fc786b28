import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loads } from './loads.mjs';
import { ratioPlot } from './ratio-plot.mjs';

/**
 * A plot for each load that has ratios, named after its letter, all with the same scale.
 *
 * @param {string} directory made where it is missing
 * @param {readonly import('./report.mjs').Summary[]} summaries
 */
export function writePlots(directory, summaries) {
  mkdirSync(directory, { recursive: true });
  const compared = summaries.filter(({ ratio }) => ratio);
  for (const [letter, { what }] of Object.entries(loads)) {
    const ofLoad = compared.filter(({ load }) => load === letter);
    if (ofLoad.length > 0)
      writeFileSync(join(directory, `${letter}.svg`), ratioPlot(`${letter}: ${what}`, ofLoad, compared));
  }
}
