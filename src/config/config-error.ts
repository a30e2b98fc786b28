/** A setting that cannot be used. The message is one line and names where the setting came from and its key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'invalid_config';
  /** `flag`, `environment`, or the path of a file. */
  readonly source: string;
  readonly key: string | undefined;

  constructor(source: string, key: string | undefined, problem: string, options?: ErrorOptions) {
    const text = `${source}: ${key === undefined ? '' : `${key} `}${problem}`;
    super(text.replace(/\s+/g, ' ').trim(), options);
    this.source = source;
    this.key = key;
  }
}
