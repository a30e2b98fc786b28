import type { Origin } from '../model/change.ts';
import { CodedError } from '../model/errors.ts';
import type { Commits } from './commits.ts';
import type { Environment } from './environment.ts';
import { readIdentity, redrawIdentity } from './identity.ts';

export interface OwnOriginOptions {
  readonly environment: Environment;
  readonly commits: Commits;
  readonly nodeName: string;
}

/** What this store signs its own changes with. */
export class OwnOrigin {
  readonly #options: OwnOriginOptions;
  /** As of a version of the catalog: either process may draw another one. */
  #known: { readonly origin: Origin; readonly catalogVersion: number } | undefined;

  #isRedrawn = false;

  constructor(options: OwnOriginOptions) {
    this.#options = options;
    options.environment.onAbort(() => (this.#known = undefined));
  }

  /** @throws CodedError `start_failed` before an api process has created the store */
  require(): Origin {
    const { environment, commits, nodeName } = this.#options;
    const { catalogVersion } = commits;
    if (this.#known?.catalogVersion !== catalogVersion) {
      const origin = readIdentity(environment, nodeName);
      if (!origin) throw new CodedError('start_failed', `The store of ${nodeName} has not been created yet`);
      this.#known = { origin, catalogVersion };
    }
    return this.#known.origin;
  }

  /**
   * This store has lost transactions that it had told: what it writes from here on must not pass for them.
   *
   * @returns false where it has been drawn anew since the store was opened: a store goes back by being opened again, and
   * in no other way, so whoever says it once more is wrong
   */
  async redraw(): Promise<boolean> {
    if (this.#isRedrawn) return false;
    const { environment, commits } = this.#options;
    await commits.run((commit) => {
      redrawIdentity(environment);
      commit.touchCatalog();
    }, 'small');
    this.#isRedrawn = true;
    return true;
  }
}
