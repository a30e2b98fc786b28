import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The licences of the packages whose code is in a bundle, with their texts: whoever passes on the bundle passes on these.
 *
 * @param {string} root
 * @param {readonly string[]} inputs of the bundle, by their paths from `root`
 * @returns {string}
 * @throws an Error when a package says nothing of its licence
 */
export function thirdPartyLicences(root, inputs) {
  const places = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path) ?? []);
  /** @type {Map<string, string[]>} packages by the text, which some share */
  const named = new Map();
  for (const place of [...new Set(places)].sort()) {
    const { name, version, license } = JSON.parse(readFileSync(join(root, place, 'package.json'), 'utf8'));
    const text = textIn(join(root, place)) || license;
    if (!text) throw new Error(`${name} ${version} is bundled, and has no licence`);
    named.set(text, [...(named.get(text) ?? []), `${name} ${version}${license ? ` (${license})` : ''}`]);
  }
  return [...named]
    .map(([text, packages]) => `${packages.join('\n')}\n\n${text}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

/** @param {string} directory of a package */
function textIn(directory) {
  return readdirSync(directory)
    .filter((name) => /^(licen[cs]e|copying|notice|unlicense)\b/i.test(name))
    .sort()
    .map((name) => readFileSync(join(directory, name), 'utf8').trim())
    .join('\n\n');
}
