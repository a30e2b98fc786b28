import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadConfig, type Config } from '../../src/config/config.ts';
import type { ConfigSources } from '../../src/config/read-settings.ts';

export class Directory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'lyre-config-'));

  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  /** Loads with this directory as the root path and the working directory. */
  load({ env = {}, flags = {} }: Pick<ConfigSources, 'env' | 'flags'> = {}): Config {
    return loadConfig({ flags, env: { ROOTPATH: this.path, ...env }, cwd: this.path });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

export function failure(load: () => unknown): ConfigError {
  const error = failureOrNone(load);
  if (!error) throw new Error('The configuration was accepted');
  return error;
}

export function failureOrNone(load: () => unknown): ConfigError | undefined {
  try {
    load();
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
