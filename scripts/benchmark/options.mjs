import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loads, rawLimits } from './loads.mjs';

const known = new Map([
  [rawLimits.letter, rawLimits.what],
  ...Object.entries(loads).map(([letter, { what }]) => /** @type {const} */ ([letter, what])),
]);

export const help = `Usage: scripts/bench [options]

One JSON line per figure on stdout, progress and a table on stderr.

  --only S1,C      loads to run (default: all):
${[...known].map(([letter, what]) => `                     ${letter.padEnd(3)} ${what}`).join('\n')}
  --scale 0.1      multiplies row counts and durations (default 1: about a quarter of an hour)
  --runs 5         so many runs, in alternating order of the systems: medians and spread (default 1)
  --fan-out 1,10   numbers of subscribers of the load F (default 1,10); each of ours takes the memory of an idle node
                   (load M), and 50 want more than two cores
  --grown 10000000 rows of the table of the load G when it is large, at scale 1 (default 1000000)
  --postgres       install PostgreSQL from Debian where it is missing (apt-get, as root)
  --no-postgres    measure this node alone
  --pouchdb        PouchDB behind express-pouchdb in the place of PostgreSQL (fetched from the npm registry)
  --one-process    the bridge in the api process (bridge.inProcess)
  --svg DIR        a plot of the ratios for each load, S1.svg and so on
  --directory DIR  where the data go while it runs, on a disk (default: the system's temporary directory)
  --profile DIR    processor profiles of the node's processes; the figures are slower for it
  --help
`;

/**
 * @param {readonly string[]} args
 * @returns what the command line asks for; undefined for the help
 * @throws an Error that says which option is wrong
 */
export function readOptions(args) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: [...known.keys()].join() },
      scale: { type: 'string', default: '1' },
      'fan-out': { type: 'string', default: '1,10' },
      grown: { type: 'string', default: '1000000' },
      runs: { type: 'string', default: '1' },
      postgres: { type: 'boolean', default: false },
      'no-postgres': { type: 'boolean', default: false },
      pouchdb: { type: 'boolean', default: false },
      'one-process': { type: 'boolean', default: false },
      svg: { type: 'string' },
      directory: { type: 'string', default: tmpdir() },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const scale = Number(values.scale);
  if (!(scale > 0)) throw new Error(`--scale is a number above 0, not '${values.scale}'`);
  return {
    wanted: lettersOf(values.only),
    size: {
      scale,
      fanOut: values['fan-out']
        .split(',')
        .map((text) => wholeNumber('--fan-out', text.trim()))
        .sort((a, b) => a - b),
      grownRows: wholeNumber('--grown', values.grown),
    },
    runs: wholeNumber('--runs', values.runs),
    mayInstall: values.postgres,
    isAlone: values['no-postgres'],
    isWithPouch: values.pouchdb,
    isOneProcess: values['one-process'],
    plotDirectory: values.svg,
    // Absolute: nodes run in directories of their own.
    directory: resolve(values.directory),
    profileDirectory: values.profile === undefined ? undefined : resolve(values.profile),
  };
}

/** @param {string} only */
function lettersOf(only) {
  const letters = only.split(',').map((letter) => letter.trim().toUpperCase());
  const unknown = letters.find((letter) => !known.has(letter));
  if (unknown !== undefined)
    throw new Error(`--only knows ${[...known.keys()].join(', ')}, not '${unknown}'`);
  return new Set(letters);
}

/**
 * @param {string} option
 * @param {string} text
 */
function wholeNumber(option, text) {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${option} takes whole numbers above 0, not '${text}'`);
  return Number(text);
}
