import { systemDatabase, type Table } from '../model/table.ts';
import { Commit, readCatalogVersion } from './commit.ts';
import type { CommitKind, Environment } from './environment.ts';
import type { StoreGuard } from './store-guard.ts';

export interface CommitsOptions {
  readonly environment: Environment;
  /** Wall clock, ms since 1970. */
  readonly now: () => number;
  /** Called after each. */
  readonly onCommit: () => void;
}

/**
 * Runs what the store writes, several of them in one transaction of the environment where they wait together.
 *
 * A {@link Commit} reads its counters once and writes them back once, so two in one transaction follow each other: what
 * reads counters past its commit has one of its own, begun after the one before it was written ({@link run}). What
 * clients write asks the commit for every counter that it needs; all of that in a transaction shares one ({@link runGuarded}).
 */
export class Commits {
  readonly #environment: Environment;
  readonly #now: () => number;
  readonly #onCommit: () => void;
  #guard: StoreGuard | undefined;
  /** Of the transaction that is under way. */
  #shared: Commit | undefined;

  constructor({ environment, now, onCommit }: CommitsOptions) {
    this.#environment = environment;
    this.#now = now;
    this.#onCommit = onCommit;
    environment.beforeEnd(() => this.#finishShared());
    environment.onAbort(() => (this.#shared = undefined));
  }

  /** Within a transaction as of there, or else as it is on disk. */
  get catalogVersion(): number {
    return this.#shared?.state.catalogVersion ?? readCatalogVersion(this.#environment);
  }

  /** What {@link runGuarded} keeps from now on. */
  guard(guard: StoreGuard): void {
    this.#guard = guard;
  }

  /** A commit of its own, which finds what those before it in its transaction have written, counters too. */
  run<T>(body: (commit: Commit) => T, kind?: CommitKind): Promise<T> {
    return this.#transact(() => {
      this.#finishShared();
      const commit = new Commit(this.#environment, this.#now());
      const value = body(commit);
      commit.finish();
      return value;
    }, kind);
  }

  /** What a client writes to these tables, in the shared commit: it leaves what the guard holds, or nothing. */
  runGuarded<T>(
    tables: readonly Table[],
    body: (commit: Commit) => T,
    kind: CommitKind = tables.every(({ database }) => database === systemDatabase) ? 'small' : 'growing',
  ): Promise<T> {
    const guard = this.#guard;
    const isGuarded = tables.some(
      ({ database, name }) => database === systemDatabase && guard?.tables.has(name) === true,
    );
    if (guard === undefined || !isGuarded) return this.#runShared(body, kind);
    return this.#runShared((commit) => {
      const held = guard.holds();
      const result = body(commit);
      if (held && !guard.holds()) throw guard.refusal();
      return result;
    }, kind);
  }

  #runShared<T>(body: (commit: Commit) => T, kind: CommitKind): Promise<T> {
    return this.#transact(() => body((this.#shared ??= new Commit(this.#environment, this.#now()))), kind);
  }

  #finishShared(): void {
    this.#shared?.finish();
    this.#shared = undefined;
  }

  async #transact<T>(body: () => T, kind?: CommitKind): Promise<T> {
    const result = await this.#environment.commit(body, kind);
    this.#onCommit();
    return result;
  }
}
