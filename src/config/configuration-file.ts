import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isMap, isScalar, parseDocument, type Document } from 'yaml';
import { makeDirectory } from '../runtime/make-directory.ts';
import { loadConfig } from './config.ts';
import { readSettings, type ConfigSources } from './read-settings.ts';
import { ConfigError } from './config-error.ts';
import { factsOf, KeyIndex, settingKeys } from './key-index.ts';
import { settingsSchema, type SettingKey } from './settings.ts';
import type { Entry } from './sources.ts';

type Section = Record<string, unknown>;

/** What clients of HarperDB look for and has no meaning here. */
const familiar: Readonly<Record<string, unknown>> = {
  'localStudio.enabled': false,
  'threads.count': 1,
};

/** The configuration of a node as operations show and change it. A change counts from the next start on. */
export class ConfigurationFile {
  readonly #sources: ConfigSources;
  readonly #now: () => Date;

  constructor(sources: ConfigSources, now: () => Date = () => new Date()) {
    this.#sources = sources;
    this.#now = now;
  }

  /** All settings as the next start would take them, in sections, without secrets. */
  read(): Readonly<Section> {
    const { settings, written, ignored, rootPath } = readSettings(this.#sources);
    const shown: Section = {};
    const index = new KeyIndex();
    for (const [key, value] of Object.entries(familiar)) put(shown, key, value);
    put(shown, 'componentsRoot', join(rootPath, 'components'));
    for (const { name, value } of ignored) {
      const key = index.spelled(name);
      if (key !== undefined && !key.endsWith('*')) put(shown, key, value);
    }
    for (const key of settingKeys()) {
      const { isSecret, isDuration } = factsOf(key);
      if (isSecret === true) continue;
      const value = settings[key];
      const standard = isDuration === true && typeof value === 'number' ? value / 1_000 : (value ?? null);
      put(shown, key, written.has(key) ? written.get(key) : standard);
    }
    put(shown, 'rootPath', rootPath);
    return shown;
  }

  /**
   * Writes settings to the file, all or none; `null` takes one back. Keys are spelled with `.` or `_`, in any case;
   * unknown ones are left out, those that are nearly one refused. The old file is kept in `<ROOTPATH>/backup`.
   *
   * @throws ConfigError when the node could not start with the new file, or something else counts before it; the file then
   *   stays as it was
   */
  set(values: Readonly<Record<string, unknown>>): void {
    const { file, rootPath, outside } = readSettings(this.#sources);
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const document = parseDocument(text);
    // A file that says nothing at all.
    if (isScalar(document.contents) && document.contents.value === null) document.contents = null;
    const index = new KeyIndex();
    let isChanged = false;
    for (const [name, value] of Object.entries(values)) {
      const meaning = index.find(name);
      if (meaning.kind === 'unknown') refuseMisspelt(name, index);
      const key = meaning.kind === 'setting' ? meaning.key : index.spelled(name);
      if (key === undefined || meaning.kind === 'unknown') continue;
      if (meaning.kind === 'setting') {
        checkSetting(meaning.key, value);
        checkCounts(meaning.key, value, outside.get(meaning.key));
      }
      const path = key.split('.');
      makeWay(document, path, file);
      if (value !== null) document.setIn(path, value);
      else if (!document.hasIn(path)) continue;
      else document.deleteIn(path);
      isChanged = true;
    }
    if (!isChanged) return;
    const changed = document.toString();
    loadConfig({ ...this.#sources, fileText: changed });
    this.#replace(file, rootPath, text, changed);
  }

  #replace(file: string, rootPath: string, text: string, changed: string): void {
    const directory = join(rootPath, 'backup');
    makeDirectory(directory);
    if (text !== '') {
      const time = this.#now().toISOString().replaceAll(':', '-');
      writeFileSync(join(directory, `${basename(file)}.${time}`), text, { mode: 0o600, flush: true });
    }
    makeDirectory(dirname(file));
    writeFileSync(`${file}.new`, changed, { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
  }
}

/** Clients of HarperDB may name what means nothing here. @throws ConfigError for what is surely a setting misspelt */
function refuseMisspelt(name: string, index: KeyIndex): void {
  const meant = index.misspelt(name);
  if (meant === undefined) return;
  throw new ConfigError(
    'HarperDB config file validation error',
    `'${name}'`,
    `is unknown; did you mean '${meant.toLowerCase()}'?`,
  );
}

/**
 * Makes sections of those on the way to a key that are there and empty.
 *
 * @throws ConfigError when something else than a section is in the way
 */
function makeWay(document: Document, path: readonly string[], file: string): void {
  for (let length = 1; length < path.length; length += 1) {
    const part = path.slice(0, length);
    const node = document.getIn(part, true);
    if (node === undefined) return;
    if (isScalar(node) && node.value === null) document.setIn(part, document.createNode({}));
    else if (!isMap(node))
      throw new ConfigError(
        file,
        part.join('.'),
        'is no section with keys of its own: change it in the file',
      );
  }
}

function checkSetting(key: SettingKey, value: unknown): void {
  const { expects, isSecret, isOperators } = factsOf(key);
  const refuse = (problem: string): never => {
    throw new ConfigError('HarperDB config file validation error', `'${key}'`, problem);
  };
  if (isSecret === true || key === 'rootPath') refuse('is set in the environment only');
  if (isOperators === true) refuse('is set in the file or the environment only');
  if (value === null || settingsSchema.shape[key].safeParse(value).success) return;
  refuse(`must be ${expects === 'true or false' ? 'a boolean' : expects}`);
}

/** Else whoever sets it is told that it will count, and it never does. @throws ConfigError */
function checkCounts(key: SettingKey, value: unknown, outside: Entry | undefined): void {
  if (!outside || JSON.stringify(outside.value) === JSON.stringify(value)) return;
  throw new ConfigError(
    'HarperDB config file validation error',
    `'${key}'`,
    `is set by ${outside.name} (${outside.source}), which counts before the configuration file: change it there`,
  );
}

function put(root: Section, key: string, value: unknown): void {
  const parts = key.split('.');
  const last = parts.pop() ?? key;
  let section = root;
  for (const part of parts) {
    const next = section[part];
    // A list where sections could be, such as several certificates in `tls`, has no keys.
    if (Array.isArray(next)) return;
    section[part] = typeof next === 'object' && next !== null ? { ...next } : {};
    section = section[part] as Section;
  }
  section[last] = value;
}
