import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Named byte strings of a released format, from `test/golden/<name>.txt`.
 *
 * Such a file was made once, by a test that ran with `LYRE_WRITE_GOLDEN=1` while it did not exist. It is never
 * written over: when a format changes, its version number goes up and gets a file of its own, and the old file
 * goes on to hold what nodes in the field have on disk and on the wire.
 */
export function goldenFile(
  name: string,
  make: () => Readonly<Record<string, Uint8Array>>,
): Map<string, Buffer> {
  const file = fileURLToPath(new URL(`${name}.txt`, import.meta.url));
  if (!existsSync(file) && process.env['LYRE_WRITE_GOLDEN'] === '1')
    writeFileSync(file, textOf(name, make()));
  const entries = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): [string, Buffer] => {
      const [entry = '', hex = ''] = line.split(' = ');
      return [entry, Buffer.from(hex, 'hex')];
    });
  return new Map(entries);
}

function textOf(name: string, entries: Readonly<Record<string, Uint8Array>>): string {
  const lines = Object.entries(entries).map(
    ([entry, bytes]) => `${entry} = ${Buffer.from(bytes).toString('hex')}`,
  );
  return [
    `# ${name}: bytes of a released format, hex. Never edit: see golden-file.ts for how this was made.`,
    ...lines,
    '',
  ].join('\n');
}
