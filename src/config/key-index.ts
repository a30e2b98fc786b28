import { distance } from 'fastest-levenshtein';
import { ignoredKeys, ignoredNames } from './ignored-keys.ts';
import { settingFacts, settingsSchema, type SettingFacts, type SettingKey } from './settings.ts';

export type KeyMeaning =
  | { readonly kind: 'setting'; readonly key: SettingKey }
  /** Not exact: it only lies below a section that is ignored as a whole. */
  | { readonly kind: 'ignored'; readonly isExact: boolean }
  | { readonly kind: 'unknown' };

const unknown: KeyMeaning = { kind: 'unknown' };
const ignored: KeyMeaning = { kind: 'ignored', isExact: true };
const belowIgnored: KeyMeaning = { kind: 'ignored', isExact: false };

/**
 * Finds what a key means, however it is spelled: `operationsApi.network.port`, `operationsApi_network_port`,
 * `OPERATIONSAPI_NETWORK_PORT` and the alias `SERVER_PORT` are one setting. Letter case never matters.
 */
export class KeyIndex {
  readonly #meanings = new Map<string, KeyMeaning>();
  readonly #ignoredSections: string[] = [];
  readonly #sections = new Set<string>();
  readonly #keys: string[] = [];

  constructor() {
    for (const key of settingKeys()) {
      const meaning: KeyMeaning = { kind: 'setting', key };
      this.#add(key, meaning);
      for (const alias of factsOf(key).aliases ?? []) this.#meanings.set(canonical(alias), meaning);
    }
    for (const key of ignoredKeys) {
      const section = key.endsWith('.*') ? key.slice(0, -2) : undefined;
      if (section !== undefined) this.#ignoredSections.push(`${canonical(section)}_`);
      this.#add(section ?? key, ignored);
    }
    for (const name of ignoredNames) this.#meanings.set(canonical(name), ignored);
  }

  find(name: string): KeyMeaning {
    const wanted = canonical(name);
    const meaning = this.#meanings.get(wanted);
    if (meaning) return meaning;
    return this.#ignoredSections.some((section) => wanted.startsWith(section)) ? belowIgnored : unknown;
  }

  /** The key as a file spells it; undefined for an alias and for what has no meaning. */
  spelled(name: string): string | undefined {
    return this.#keys.find((key) => canonical(key) === canonical(name));
  }

  /** Whether keys with a meaning lie below this one. */
  isSection(name: string): boolean {
    return this.#sections.has(canonical(name));
  }

  /** The known key that looks most like `name`, spelled as in a file. */
  nearestKey(name: string): string {
    return nearest(name, this.#keys);
  }

  /** The known name that looks most like `name`, spelled as in the environment and on the command line. */
  nearestName(name: string): string {
    return nearest(name, [...this.#meanings.keys()]).toUpperCase();
  }

  /**
   * The setting that `name` is by mistake, spelled as in the environment: one letter in seven is wrong, and no more than
   * two. Undefined for what is rather the name of something else.
   */
  misspelt(name: string): string | undefined {
    const names = [...this.#meanings].flatMap(([known, { kind }]) => (kind === 'setting' ? [known] : []));
    const meant = nearest(name, names);
    const isNear = distance(canonical(name), meant) <= Math.min(2, Math.floor(name.length / 7));
    return isNear ? meant.toUpperCase() : undefined;
  }

  #add(key: string, meaning: KeyMeaning): void {
    this.#keys.push(key);
    this.#meanings.set(canonical(key), meaning);
    const parts = key.split('.');
    for (let count = 1; count < parts.length; count += 1) {
      this.#sections.add(canonical(parts.slice(0, count).join('.')));
    }
  }
}

export function settingKeys(): SettingKey[] {
  return settingsSchema.keyof().options;
}

export function factsOf(key: SettingKey): SettingFacts {
  const facts = settingFacts.get(settingsSchema.shape[key]);
  if (!facts) throw new Error(`Setting ${key} is not registered`);
  return facts;
}

export function canonical(name: string): string {
  return name.replaceAll('.', '_').toLowerCase();
}

function nearest(name: string, candidates: readonly string[]): string {
  const wanted = canonical(name);
  const distances = candidates.map((key) => ({ key, far: distance(wanted, canonical(key)) }));
  return distances.reduce((best, next) => (next.far < best.far ? next : best)).key;
}
