import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse as parseDotenv } from 'dotenv';
import { ConfigError } from './config-error.ts';
import { canonical, factsOf, KeyIndex } from './key-index.ts';
import { settingsSchema, type SettingKey, type Settings } from './settings.ts';
import {
  readFlags,
  readVariables,
  readYaml,
  type Entry,
  type IgnoredEntry,
  type Variables,
} from './sources.ts';

export interface ConfigSources {
  /** Names without dashes: `{ SERVER_PORT: '9925', config: 'lyre.yaml' }`. */
  readonly flags?: Readonly<Record<string, string>>;
  /** The environment of this process when not given. */
  readonly env?: Variables;
  /** Relative root paths and `.env` are looked for here; the working directory when not given. */
  readonly cwd?: string;
  /** In place of what the configuration file holds. */
  readonly fileText?: string;
}

/** What the sources say, before it is made a `Config`. */
export interface ReadSettings {
  readonly settings: Settings;
  /** What counts of each setting that is set, as it was written. */
  readonly written: ReadonlyMap<SettingKey, unknown>;
  /** What a flag, the environment or `.env` says: whatever the file says of these settings does not count. */
  readonly outside: ReadonlyMap<SettingKey, Entry>;
  readonly ignored: readonly IgnoredEntry[];
  readonly rootPath: string;
  /** The configuration file: as found, or where it would be. */
  readonly file: string;
}

/** @throws ConfigError */
export function readSettings({
  flags = {},
  env = process.env,
  cwd = process.cwd(),
  fileText,
}: ConfigSources): ReadSettings {
  const index = new KeyIndex();
  const dotenvPath = join(cwd, '.env');
  const dotenv = existsSync(dotenvPath) ? parseDotenv(readText(dotenvPath)) : {};
  const fromFlags = readFlags(flags, index);
  const fromEnvironment = readVariables(env, 'environment', index);
  const fromDotenv = readVariables(dotenv, dotenvPath, index);

  const outside = [fromDotenv, fromEnvironment, fromFlags];
  const fromOutside = outside.flatMap(({ entries }) => entries);
  checkEntries(fromOutside);
  const rootPath = rootPathOf(settingsSchema.parse(Object.fromEntries(lastOf(fromOutside))), cwd);
  const asked = configFlag(flags) ?? env['HDB_CONFIG'] ?? dotenv['HDB_CONFIG'];
  const path = asked ? expand(asked, cwd) : findFile(rootPath);
  const file = path ?? join(rootPath, 'harperdb-config.yaml');
  const text = fileText ?? (path === undefined ? '' : readText(path));
  const fromFile = readYaml(text, file, index);

  const all = [fromFile, ...outside];
  const entries = all.flatMap(({ entries: some }) => some);
  const written = lastOf(entries);
  if (isPlainPortTakenBack(entries) && written.has('operationsApi.network.securePort'))
    written.set('operationsApi.network.port', false);
  const ignored = all.flatMap((some) => some.ignored);
  checkEntries(entries);
  return {
    settings: settingsSchema.parse(Object.fromEntries(written)),
    ...{ written, ignored, rootPath, file },
    outside: new Map(fromOutside.map((entry) => [entry.key, entry])),
  };
}

function configFlag(flags: Readonly<Record<string, string>>): string | undefined {
  return Object.entries(flags).find(([flag]) => canonical(flag) === 'config')?.[1];
}

function findFile(rootPath: string): string | undefined {
  return ['lyre.yaml', 'harperdb-config.yaml'].map((name) => join(rootPath, name)).find(existsSync);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(path, undefined, `cannot be read (${codeOf(cause)})`, { cause });
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}

/** Every entry is checked, also one that a later source overrides: a wrong line is never skipped in silence. */
function checkEntries(entries: readonly Entry[]): void {
  for (const entry of entries) if (entry.value !== null) checkEntry(entry);
}

/** `null` beside a secure port is how HarperDB says that there is no plain one. */
function isPlainPortTakenBack(entries: readonly Entry[]): boolean {
  return entries.findLast(({ key }) => key === 'operationsApi.network.port')?.value === null;
}

function lastOf(entries: readonly Entry[]): Map<SettingKey, unknown> {
  const last = new Map<SettingKey, unknown>();
  for (const { key, value } of entries) {
    if (value === null) last.delete(key);
    else last.set(key, value);
  }
  return last;
}

function checkEntry({ key, value, name, source }: Entry): void {
  if (settingsSchema.shape[key].safeParse(value).success) return;
  const { expects, isSecret } = factsOf(key);
  const given = isSecret === true ? '' : `, not ${JSON.stringify(value).slice(0, 60)}`;
  throw new ConfigError(source, name, `must be ${expects}${given}`);
}

/** The absolute root path of a node. */
export function rootPathOf({ rootPath }: Settings, cwd: string): string {
  return expand(rootPath ?? '~/lyredb', cwd);
}

/** An absolute path, from one that may begin with `~` or be relative to `base`. */
export function expand(path: string, base: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : resolve(base, path);
}
