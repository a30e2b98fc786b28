// The page docs/settings.md, made of the settings' definitions.
// `npm run docs` writes it; test/scripts/settings-page.test.ts says when it is no longer current.
import { factsOf, settingKeys } from '../src/config/key-index.ts';
import { settingsSchema, type SettingKey, type Settings } from '../src/config/settings.ts';

const durations: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
];

const sizes: readonly (readonly [bytes: number, name: string])[] = [
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
];

/** The page as Markdown. */
export function settingsPage(): string {
  const defaults = settingsSchema.parse({});
  return [
    '# Settings',
    '',
    'Every setting of a node, made from the definitions that check them (`npm run docs`). A key stands in the configuration',
    'file in sections, as its dots say. In the environment, in `.env` and as a flag (`--NAME value`) it has the names beside',
    'it, in any letter case. Later wins: file, `.env`, environment, flags. Relative paths lie in the data directory, those of',
    '`rootPath` and `natsServerBin` in the working directory.',
    '',
    'One file counts: the one that `--config` or `HDB_CONFIG` names (from the working directory, and it must exist), else',
    '`lyre.yaml` of the data directory, else `harperdb-config.yaml` there. Beside `lyre.yaml` the latter is not read.',
    '',
    '`CLI_TARGET_USERNAME` and `CLI_TARGET_PASSWORD` are no settings of a node: a command with `--target` logs in with them,',
    'unless it is given `--username` and `--password`; else with `HDB_ADMIN_USERNAME` and `HDB_ADMIN_PASSWORD`.',
    '',
    '| key | environment | default | is | means |',
    '| --- | --- | --- | --- | --- |',
    ...settingKeys().map((key) => row(key, defaults)),
    '',
  ].join('\n');
}

function row(key: SettingKey, defaults: Settings): string {
  const { aliases = [], expects, isAliasOnlyInEnvironment, meaning } = factsOf(key);
  const ownName = isAliasOnlyInEnvironment === true ? [] : [key.replaceAll('.', '_').toUpperCase()];
  const names = [...aliases.filter((alias) => !alias.includes('.')), ...ownName];
  const cells = [`\`${key}\``, names.map(code).join(', '), defaultOf(key, defaults), expects, meaning];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultOf(key: SettingKey, defaults: Settings): string {
  const value = defaults[key];
  const { isDuration, isSize } = factsOf(key);
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return '';
  if (typeof value !== 'number') return code(typeof value === 'string' ? value : JSON.stringify(value));
  if (isDuration === true) return code(inUnits(value, durations));
  return code(isSize === true ? inUnits(value, sizes) : String(value));
}

function inUnits(value: number, names: readonly (readonly [number, string])[]): string {
  const [one, name] = names.find(([unit]) => value % unit === 0) ?? [1, ''];
  return `${value / one}${name}`;
}

function code(text: string): string {
  return `\`${text}\``;
}
