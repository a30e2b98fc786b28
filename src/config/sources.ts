import { parseDocument } from 'yaml';
import { ConfigError } from './config-error.ts';
import { canonical, factsOf, type KeyIndex } from './key-index.ts';
import type { SettingKey } from './settings.ts';

/** One value as one source gives it; `null` takes back what an earlier source has set. */
export interface Entry {
  readonly key: SettingKey;
  readonly value: unknown;
  /** As the user has spelled it. */
  readonly name: string;
  /** For messages: `flag`, `environment` or the path of a file. */
  readonly source: string;
}

/** A key that was recognized and has no meaning here. */
export interface IgnoredEntry {
  /** As the user has spelled it. */
  readonly name: string;
  readonly value: unknown;
}

export interface SourceContents {
  readonly entries: readonly Entry[];
  readonly ignored: readonly IgnoredEntry[];
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** Names that begin like this may be misspelt ones of ours; they may also be a stranger's. */
const ourPrefixes = ['CLUSTERING_', 'OPERATIONSAPI_', 'HDB_', 'LOGGING_', 'STORAGE_', 'REPLICATION_'];

/** What Kubernetes says of a service `server` in `SERVER_PORT`. */
const serviceLink = /^(tcp|udp|sctp):\/\/\S+$/;

/** Variables that are ours and not settings. */
const otherVariables = new Set(['HDB_CONFIG']);

/**
 * Reads the settings among variables of an environment or a `.env` file.
 *
 * Empty variables count as not set: that is how docker compose passes on what is not there.
 *
 * @throws ConfigError for what is surely a setting misspelt
 */
export function readVariables(variables: Variables, source: string, index: KeyIndex): SourceContents {
  const entries: Entry[] = [];
  const ignored: IgnoredEntry[] = [];
  for (const [name, text] of Object.entries(variables)) {
    if (text === undefined || text === '') continue;
    const isServiceLink = /_PORT$/i.test(name) && serviceLink.test(text);
    const isOurs = ourPrefixes.some((prefix) => name.toUpperCase().startsWith(prefix));
    const meaning = index.find(name);
    if (meaning.kind === 'setting' && !isServiceLink) {
      const facts = factsOf(meaning.key);
      if (facts.isAliasOnlyInEnvironment === true && canonical(name) === canonical(meaning.key)) continue;
      entries.push({ key: meaning.key, value: parseText(text, meaning.key), name, source });
      continue;
    }
    const meant = isOurs && meaning.kind === 'unknown' ? index.misspelt(name) : undefined;
    if (meant !== undefined) throw new ConfigError(source, name, `is unknown; did you mean ${meant}?`);
    const isKnown = meaning.kind === 'setting' || (meaning.kind === 'ignored' && meaning.isExact);
    if (isKnown || (isOurs && !otherVariables.has(name.toUpperCase()))) ignored.push({ name, value: text });
  }
  return { entries: withoutContradictions(entries), ignored };
}

/** @throws ConfigError for an unknown flag */
export function readFlags(flags: Readonly<Record<string, string>>, index: KeyIndex): SourceContents {
  const entries: Entry[] = [];
  const ignored: IgnoredEntry[] = [];
  for (const [flag, text] of Object.entries(flags)) {
    const name = `--${flag}`;
    if (canonical(flag) === 'config') continue;
    const meaning = index.find(flag.replaceAll('-', '_'));
    if (meaning.kind === 'unknown') {
      throw new ConfigError('flag', name, `is unknown; did you mean --${index.nearestName(flag)}?`);
    }
    if (meaning.kind === 'ignored') ignored.push({ name, value: text });
    else entries.push({ key: meaning.key, value: parseText(text, meaning.key), name, source: 'flag' });
  }
  return { entries: withoutContradictions(entries), ignored };
}

/**
 * Reads the text of a YAML file whose sections nest as the keys do.
 *
 * @throws ConfigError for text that is not YAML, an unknown key, or a value where a section belongs
 */
export function readYaml(text: string, source: string, index: KeyIndex): SourceContents {
  const document = parseDocument(text);
  const problem = document.errors[0];
  if (problem) throw new ConfigError(source, undefined, `is not valid YAML: ${firstLine(problem.message)}`);
  let root: unknown;
  try {
    root = document.toJS();
  } catch (cause) {
    throw new ConfigError(source, undefined, `is not valid YAML: ${String(cause)}`, { cause });
  }
  if (root === null || root === undefined) return { entries: [], ignored: [] };
  if (!isSection(root)) throw new ConfigError(source, undefined, 'must hold keys and values');
  const entries: Entry[] = [];
  const ignored: IgnoredEntry[] = [];

  const visit = (section: Readonly<Record<string, unknown>>, prefix: string): void => {
    for (const [part, value] of Object.entries(section)) {
      const name = prefix + part;
      const meaning = index.find(name);
      if (index.isSection(name) && isSection(value)) visit(value, `${name}.`);
      else if (meaning.kind === 'setting') entries.push({ key: meaning.key, value, name, source });
      else if (meaning.kind === 'ignored' || (prefix === '' && isComponent(value)))
        ignored.push({ name, value });
      else if (!index.isSection(name)) {
        throw new ConfigError(source, name, `is unknown; did you mean ${index.nearestKey(name)}?`);
      } else if (value !== null)
        throw new ConfigError(source, name, 'must be a section with keys of its own');
    }
  };
  visit(root, '');
  return { entries: withoutContradictions(entries), ignored };
}

/** `true`, `false`, `null`, numbers and JSON lists and objects mean what they say, except in a text setting. */
function parseText(text: string, key: SettingKey): unknown {
  const { isText, isSecret } = factsOf(key);
  const trimmed = text.trim();
  if (trimmed === 'null' && isSecret !== true) return null;
  if (isText === true) return isSecret === true ? text : trimmed;
  if (/^true$/i.test(trimmed)) return true;
  if (/^false$/i.test(trimmed)) return false;
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (/^[[{]/.test(trimmed)) {
    try {
      return JSON.parse(trimmed);
    } catch {
      return trimmed;
    }
  }
  return trimmed;
}

/** One source may name a setting twice, by an alias, but only with one value. */
function withoutContradictions(entries: readonly Entry[]): readonly Entry[] {
  const first = new Map<SettingKey, Entry>();
  for (const entry of entries) {
    const other = first.get(entry.key);
    if (!other) first.set(entry.key, entry);
    else if (JSON.stringify(other.value) !== JSON.stringify(entry.value)) {
      throw new ConfigError(entry.source, entry.name, `contradicts ${other.name}: they are one setting`);
    }
  }
  return [...first.values()];
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An application that HarperDB would load: a section of its own, whatever its name, that tells its package. */
function isComponent(value: unknown): boolean {
  return isSection(value) && Object.hasOwn(value, 'package');
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? text).replace(/:$/, '');
}
