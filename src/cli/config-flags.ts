export interface ConfigFlags {
  /** Names without dashes. */
  readonly flags: Readonly<Record<string, string>>;
  /** All other arguments, in their order. */
  readonly rest: readonly string[];
}

const plainOptions = new Set(['--help', '--version', '--json']);
/** A value follows them. */
const valueOptions = new Set([
  '--target',
  '--username',
  '--password',
  '--database',
  '--table',
  '--action',
  '--format',
]);

/** The arguments that are neither options nor values of options. */
export function wordsOf(rest: readonly string[]): readonly string[] {
  return rest.filter((word, index) => !word.startsWith('-') && !valueOptions.has(rest[index - 1] ?? ''));
}

/**
 * Takes the settings (`--ROOTPATH x`, `--SERVER_PORT=0`, `--CLUSTERING`) out of the arguments.
 *
 * They may stand anywhere, before or after the command. A flag without a value is `true`. Whether a setting
 * exists is for the configuration to say: it knows the nearest name.
 */
export function takeConfigFlags(argv: readonly string[]): ConfigFlags {
  const flags: Record<string, string> = {};
  const rest: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? '';
    const equals = argument.indexOf('=');
    const option = equals < 0 ? argument : argument.slice(0, equals);
    if (!/^--\w/.test(option) || plainOptions.has(option) || valueOptions.has(option)) {
      rest.push(argument);
      if (valueOptions.has(argument) && at + 1 < argv.length) {
        at += 1;
        rest.push(argv[at] ?? '');
      }
      continue;
    }
    const name = option.slice(2);
    const next = argv[at + 1];
    if (equals >= 0) flags[name] = argument.slice(equals + 1);
    else if (next === undefined || next.startsWith('--')) flags[name] = 'true';
    else {
      flags[name] = next;
      at += 1;
    }
  }
  return { flags, rest };
}
