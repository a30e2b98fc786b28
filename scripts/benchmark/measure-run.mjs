import { link } from './loads/initial-copy.mjs';
import { loads, rawLimits } from './loads.mjs';

/**
 * One run: the contenders take turns at each load, so that what else goes on in the machine meets both.
 *
 * @param {object} options
 * @param {readonly import('./contender.mjs').Contender[]} options.contenders in the order of their turns
 * @param {import('./raw-limits.mjs').RawLimits} options.limits
 * @param {ReadonlySet<string>} options.wanted letters of loads
 * @param {import('./report.mjs').Report} options.report
 * @param {(message: string) => void} options.say
 * @param {AbortSignal} options.signal
 * @returns {Promise<boolean>} whether every load could be measured
 */
export async function measureRun({ contenders, limits, wanted, report, say, signal }) {
  const failed = new Set();

  /**
   * @param {string} name of the system
   * @param {string} load
   * @param {string} what
   * @param {() => Promise<readonly import('./figure.mjs').Figure[] | void>} body
   */
  async function attempt(name, load, what, body) {
    if (failed.has(name) || signal.aborted) return;
    say(`${name}: ${what}`);
    try {
      for (const figure of (await body()) ?? []) report.figure(name, figure);
    } catch (error) {
      if (signal.aborted) return;
      report.failure(name, load, error);
      // Its later figures would be those of a system that is already out of step.
      failed.add(name);
    }
  }

  /**
   * @param {string} load
   * @param {string} what
   * @param {(contender: import('./contender.mjs').Contender) => ReturnType<Parameters<typeof attempt>[3]>} body
   */
  async function turn(load, what, body) {
    for (const contender of contenders)
      await attempt(contender.system.name, load, what, () => body(contender));
  }

  if (wanted.has(rawLimits.letter))
    await attempt(limits.name, rawLimits.letter, rawLimits.what, () => limits.measure());
  await turn('start', 'start of the publisher', ({ system }) => system.startPublisher());
  let isLinked = false;
  for (const [letter, load] of Object.entries(loads)) {
    if (!wanted.has(letter)) continue;
    if (load.link === 'needed' && !isLinked) await turn('start', 'start of the subscriber', link);
    isLinked ||= load.link !== undefined;
    await turn(letter, load.what, load.run);
  }
  if (!signal.aborted) for (const { system } of contenders) await system.close();
  return failed.size === 0;
}
