/**
 * One package archive as the machine is set up to use it.
 *
 * @typedef {{ uri: string, suites: string[], signedBy: string | undefined }} AptSource
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
    return words('URIs').map((uri) => ({ uri, suites, signedBy }));
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
    return [{ uri, suites: [suite], signedBy: /signed-by=(\S+)/.exec(options)?.[1] }];
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
export function formatSource({ uri, signedBy }, suite, components) {
  const lines = ['Types: deb', `URIs: ${uri}`, `Suites: ${suite}`, `Components: ${components}`];
  if (signedBy) lines.push(`Signed-By: ${signedBy}`);
  return `${lines.join('\n')}\n`;
}
