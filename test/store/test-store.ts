import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Change, Document, Key } from '../../src/model/change.ts';
import type { Table } from '../../src/model/table.ts';
import type { Environment } from '../../src/store/environment.ts';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { Store } from '../../src/store/store.ts';
import type { StoreOptions } from '../../src/store/store-options.ts';

const mapSize = 2 ** 28;

/** Every tree, every key and value, as bytes: what a commit may or may not have changed. */
export type Dump = Readonly<Record<string, readonly string[]>>;

export class TemporaryDirectory implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<TemporaryDirectory> {
    return new TemporaryDirectory(await mkdtemp(join(tmpdir(), 'lyre-store-')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A store that is right in the directory keeps its marker beside it.
    for (const path of [this.path, `${this.path}.start`]) await rm(path, { recursive: true, force: true });
  }
}

export interface TestStoreOptions extends Partial<StoreOptions> {
  /** What the store is to take in the place of its environment. */
  readonly wrap?: (environment: LmdbEnvironment) => Environment;
}

/** A real store in a directory of its own, which may be closed and opened again. */
export class TestStore implements AsyncDisposable {
  readonly directory: TemporaryDirectory;
  store: Store;
  #options: StoreOptions & TestStoreOptions;

  private constructor(directory: TemporaryDirectory, store: Store, options: StoreOptions & TestStoreOptions) {
    this.directory = directory;
    this.store = store;
    this.#options = options;
  }

  static async open(options: TestStoreOptions = {}): Promise<TestStore> {
    const directory = await TemporaryDirectory.make();
    const all = storeOptions({ path: join(directory.path, 'data'), ...options });
    return new TestStore(directory, await openStore(all), all);
  }

  get path(): string {
    return this.#options.path;
  }

  /** What a restart of the process does; `meanwhile` runs while it is down. */
  async reopen(options: Partial<StoreOptions> = {}, meanwhile?: () => Promise<void>): Promise<Store> {
    await this.store[Symbol.asyncDispose]();
    await meanwhile?.();
    this.#options = { ...this.#options, ...options };
    this.store = await openStore(this.#options);
    return this.store;
  }

  async dump(): Promise<Dump> {
    return dumpOf(this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

async function openStore({ wrap, ...options }: StoreOptions & TestStoreOptions): Promise<Store> {
  if (!wrap) return Store.open(options);
  const { path, mapSizeBytes = mapSize } = options;
  return Store.over(wrap(new LmdbEnvironment({ path, mapSizeBytes })), options);
}

export function storeOptions(
  options: TestStoreOptions & { readonly path: string },
): StoreOptions & TestStoreOptions {
  return { nodeName: 'n1', role: 'api', mapSizeBytes: mapSize, ...options };
}

export async function makeTable(store: Store, name = 'dog', indexed: readonly string[] = []): Promise<Table> {
  const attributes = indexed.map((attribute) => ({ name: attribute, indexed: true }));
  return store.catalog.createTable({ database: 'dev', name, primaryKey: 'id', attributes });
}

/** The table as the catalog has it now. */
export function tableOf(store: Store, name = 'dog'): Table {
  const table = store.catalog.table('dev', name);
  if (!table) throw new Error(`There is no table dev.${name}`);
  return table;
}

export async function upsert(store: Store, ...documents: readonly Document[]): Promise<number> {
  const result = await store.write({ table: tableOf(store), operation: 'upsert', documents });
  return result.version;
}

/** Live documents without their timestamps, in key order. */
export function documentsOf(store: Store, table: Table = tableOf(store)): Document[] {
  return [...store.search(table, {})].map(withoutTimes);
}

export function withoutTimes(document: Document): Document {
  const { __createdtime__: _created, __updatedtime__: _updated, ...rest } = document;
  return rest;
}

/** Rows with their stamps, tombstones too, in key order. */
export function rowsOf(store: Store, table: Table = tableOf(store), after?: Key): readonly Change[] {
  return store.copyRows(table, {
    after,
    maxBytes: Infinity,
    maxRows: 1_000_000,
    newerThan: 0,
    isEnough: () => false,
  }).rows;
}

/** Channel numbers and ids of a table's log, oldest first. */
export function numbersOf(store: Store, table: Table = tableOf(store)): { seq: number; id: string }[] {
  return [...store.log.readChannel(table.id, store.log.head(table.id).trimmedSeq)].map(({ seq, entry }) => ({
    seq,
    id: entry.header.id,
  }));
}

/** All maintenance that is due. */
export async function maintain(store: Store): Promise<void> {
  for (let steps = 0; steps < 1_000; steps += 1) if (!(await store.maintenance.step())) return;
  throw new Error('Maintenance does not come to an end');
}

/** The bytes of a store that may be open. */
export async function dumpOf(path: string): Promise<Dump> {
  await using environment = new LmdbEnvironment({ path, mapSizeBytes: mapSize });
  return dumpEnvironment(environment);
}

export function dumpEnvironment(environment: LmdbEnvironment): Dump {
  return Object.fromEntries(
    Object.entries(environment.trees).map(([name, tree]) => [
      name,
      [...tree.getRange({})].map(({ key, value }) => `${JSON.stringify(key)} = ${value.toString('hex')}`),
    ]),
  );
}
