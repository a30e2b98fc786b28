import { existsSync, readFileSync } from 'node:fs';
import { closeToOthers } from './private-files.ts';
import { writeWhole } from './whole-file.ts';

/** A key file holds something else than a key. */
export class DamagedSecretError extends Error {
  override readonly name = 'DamagedSecretError';
  readonly code = 'damaged';

  constructor(file: string, cause: unknown) {
    super(`The key file ${file} is damaged: put back a copy of it, or remove it, and a new one is made`, {
      cause,
    });
  }
}

/** What a key file holds; undefined where it is missing or empty, as a power cut may leave one that nobody has used yet. */
export function readSecret(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') || undefined : undefined;
}

/**
 * Reads a key file, making it where there is none. One that was put back with rights of others is closed to them.
 *
 * @throws DamagedSecretError when it cannot be parsed
 */
export async function openSecret<T>(
  file: string,
  make: () => string | Promise<string>,
  parse: (content: string) => T,
): Promise<T> {
  let content = readSecret(file);
  if (content === undefined) {
    content = await make();
    writeWhole(file, content);
  }
  const secret = parseSecret(file, () => parse(content));
  closeToOthers(file);
  return secret;
}

/** @throws DamagedSecretError when `parse` throws */
export function parseSecret<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new DamagedSecretError(file, cause);
  }
}
