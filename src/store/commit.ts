import { nextVersion } from '../model/version-clock.ts';
import type { Environment } from './environment.ts';
import { decodeTableState, emptyTableState, encodeTableState, type TableState } from './table-state.ts';
import { readWide, writeWide } from './wide-integer.ts';

const stateKey = 'state';
const catalogVersionAt = 16;

/** Counters of the whole store. */
export interface StoreState {
  /** Highest version drawn or applied here. */
  clock: number;
  /** Key of the newest log entry. */
  position: number;
  catalogVersion: number;
  /** Of the log as it is, and of all that was ever appended to it. */
  logBytes: number;
  appendedBytes: number;
}

/** Reads the counters as of the current transaction. */
export function readStoreState(environment: Environment): StoreState {
  const value = environment.trees.meta.get(stateKey);
  if (!value) return { clock: 0, position: 0, catalogVersion: 0, logBytes: 0, appendedBytes: 0 };
  const logBytes = readWide(value, 24);
  return {
    clock: readWide(value, 0),
    position: readWide(value, 8),
    catalogVersion: readWide(value, catalogVersionAt),
    logBytes,
    // Before it was counted the state was shorter.
    appendedBytes: value.length > 32 ? readWide(value, 32) : logBytes,
  };
}

/** The part of the state that every read of a definition asks for. */
export function readCatalogVersion(environment: Environment): number {
  const value = environment.trees.meta.get(stateKey);
  return value ? readWide(value, catalogVersionAt) : 0;
}

/**
 * One write transaction: the counters it read, raised by what it does, and written back once at its end.
 * Lives inside one `Environment.commit` callback and must not leave it.
 */
export class Commit {
  readonly environment: Environment;
  readonly state: StoreState;
  /** Wall clock of the commit, ms since 1970. */
  readonly nowMs: number;
  readonly #tables = new Map<number, TableState>();

  constructor(environment: Environment, nowMs: number) {
    this.environment = environment;
    this.state = readStoreState(environment);
    this.nowMs = nowMs;
  }

  /** Draws the version of this commit; beats every row it replaces. */
  drawVersion(replaced: number): number {
    this.state.clock = nextVersion(this.nowMs, this.state.clock, replaced);
    return this.state.clock;
  }

  /** What is written here later wins over what was applied. */
  raiseClock(version: number): void {
    if (version > this.state.clock) this.state.clock = version;
  }

  touchCatalog(): void {
    this.state.catalogVersion += 1;
    // Visible to the catalog's own version check within this commit.
    this.#writeState();
  }

  table(id: number): TableState {
    const known = this.#tables.get(id);
    if (known) return known;
    const state = readTableState(this.environment, id);
    this.#tables.set(id, state);
    return state;
  }

  /** Forgets the counters of a dropped table. */
  removeTable(id: number): void {
    this.#tables.delete(id);
    this.environment.trees.tableStates.removeSync(id);
  }

  finish(): void {
    for (const [id, state] of this.#tables)
      this.environment.trees.tableStates.putSync(id, encodeTableState(state));
    this.#writeState();
  }

  #writeState(): void {
    const value = Buffer.allocUnsafe(40);
    writeWide(value, this.state.clock, 0);
    writeWide(value, this.state.position, 8);
    writeWide(value, this.state.catalogVersion, catalogVersionAt);
    writeWide(value, this.state.logBytes, 24);
    writeWide(value, this.state.appendedBytes, 32);
    this.environment.trees.meta.putSync(stateKey, value);
  }
}

export function readTableState(environment: Environment, id: number): TableState {
  const value = environment.trees.tableStates.get(id);
  return value ? decodeTableState(value) : emptyTableState();
}
