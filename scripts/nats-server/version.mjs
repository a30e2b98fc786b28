/** Older servers rewind stream sequences wrongly and have open CVEs. */
export const OLDEST_USABLE = '2.10.27';

/** The official release that setup installs where the machine has none. */
export const PINNED = '2.14.5';

/**
 * Reads the version out of what `nats-server --version` prints.
 *
 * @param {string} output
 * @returns {string | undefined}
 */
export function parseVersion(output) {
  return /\bv?(\d+\.\d+\.\d+)/.exec(output)?.[1];
}

/** @param {string} version */
export function isUsable(version) {
  const [actual, wanted] = [version, OLDEST_USABLE].map((text) => text.split('.').map(Number));
  for (const [index, part] of wanted.entries()) {
    if (actual[index] !== part) return actual[index] > part;
  }
  return true;
}
