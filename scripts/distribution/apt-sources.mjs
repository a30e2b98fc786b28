/**
 * One package archive as the machine is set up to use it.
 *
 * @typedef {{ uri: string, suites: string[], signedBy: string | undefined, isTrusted: boolean }} AptSource
 */

/**
 * Reads a `*.sources` file (deb822 paragraphs).
 *
 * @param {string} text
 * @returns {AptSource[]}
 */
export function parseSources(text) {
  const withoutComments = text.replace(/^#.*\n?/gm, '');
  return withoutComments.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (name) =>
      new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t].*)*)`, 'im').exec(paragraph)?.[1].trim();
    const isOff = /^(no|false|0)$/i.test(field('Enabled') ?? 'yes');
    const words = (name) => field(name)?.split(/\s+/) ?? [];
    if (isOff || !words('Types').includes('deb')) return [];
    const suites = words('Suites');
    // May be a key itself, on several lines, so it is kept as it stands.
    const signedBy = field('Signed-By');
    const isTrusted = isYes(field('Trusted'));
    return words('URIs').map((uri) => ({ uri, suites, signedBy, isTrusted }));
  });
}

/**
 * Reads a `sources.list` or `*.list` file (one archive a line).
 *
 * @param {string} text
 * @returns {AptSource[]}
 */
export function parseList(text) {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)/.exec(line);
    if (!match) return [];
    const [, options = '', uri, suite] = match;
    const option = (name) => new RegExp(`(?:^|\\s)${name}=(\\S+)`).exec(options)?.[1];
    return [{ uri, suites: [suite], signedBy: option('signed-by'), isTrusted: isYes(option('trusted')) }];
  });
}

/**
 * The same archive, another suite.
 *
 * @param {AptSource} source
 * @param {string} suite
 * @param {string} components
 * @returns {string} a deb822 paragraph
 */
export function formatSource({ uri, signedBy, isTrusted }, suite, components) {
  const lines = ['Types: deb', `URIs: ${uri}`, `Suites: ${suite}`, `Components: ${components}`];
  if (signedBy) lines.push(`Signed-By: ${signedBy}`);
  if (isTrusted) lines.push('Trusted: yes');
  return `${lines.join('\n')}\n`;
}

/** @param {string | undefined} value as apt reads a switch */
function isYes(value) {
  return /^(yes|true|with|on|enable|1)$/i.test(value ?? '');
}
