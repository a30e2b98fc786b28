import { CodedError } from '../model/errors.ts';
import { randomId } from '../model/random-id.ts';
import { systemDatabase, type Attribute, type Table } from '../model/table.ts';
import { decodeMessage, encodeMessage } from '../model/transaction-codec.ts';
import { msToVersion, versionToMs } from '../model/version-clock.ts';
import type { Tree } from './environment.ts';
import type { Commit } from './commit.ts';

export interface TableSpec {
  readonly database: string;
  readonly name: string;
  readonly primaryKey: string;
  readonly attributes?: readonly {
    readonly name: string;
    readonly indexed: boolean;
    readonly type?: string;
  }[];
  readonly schemaDefined?: boolean;
}

/** What clients may give a table; a definition is read and written as a whole. Peers may bring more. */
export const maxAttributes = 10_000;

interface Snapshot {
  readonly version: number;
  readonly databases: ReadonlySet<string>;
  readonly tables: ReadonlyMap<number, Table>;
  /** By database, then by name. */
  readonly byName: ReadonlyMap<string, ReadonlyMap<string, Table>>;
}

interface Decoded {
  readonly bytes: Buffer;
  readonly table: Table;
}

/** A dropped table, or the index of a dropped attribute. */
export interface Garbage {
  readonly tableId: number;
  readonly attributeNumber: number | undefined;
}

/**
 * Databases, tables and attributes: the cached view of one process, and what changes them.
 *
 * The cache is good for one catalog version; the version is read from the store before each use, so a
 * change by the other process is seen by the next request and inside every commit.
 */
export class Catalog {
  readonly #tree: Tree;
  readonly #readVersion: () => number;
  #cached: Snapshot | undefined;
  /** Of the newest snapshot: most changes of the catalog are of one table. */
  #decoded: ReadonlyMap<number, Decoded> = new Map();

  constructor(tree: Tree, readVersion: () => number) {
    this.#tree = tree;
    this.#readVersion = readVersion;
  }

  /** Another one after every change of a definition, a user or a role. */
  get version(): number {
    return this.#readVersion();
  }

  databases(): readonly string[] {
    return [...this.#snapshot().databases].filter((name) => name !== systemDatabase).toSorted();
  }

  hasDatabase(name: string): boolean {
    return this.#snapshot().databases.has(name);
  }

  table(database: string, name: string): Table | undefined {
    return this.#snapshot().byName.get(database)?.get(name);
  }

  tableById(id: number): Table | undefined {
    return this.#snapshot().tables.get(id);
  }

  tables(database: string): readonly Table[] {
    return this.allTables().filter((table) => table.database === database);
  }

  allTables(): readonly Table[] {
    return [...this.#snapshot().tables.values()];
  }

  /** What was dropped and is still to be reclaimed. */
  garbage(): Garbage[] {
    return ['garbage', 'garbage index'].flatMap((kind) =>
      Array.from(this.#tree.getKeys({ start: [kind], end: [kind, Number.MAX_SAFE_INTEGER] }), (key) => {
        const [, tableId, attributeNumber] = key as [string, number, number?];
        return { tableId, attributeNumber };
      }),
    );
  }

  /** Inside a commit. */
  forgetGarbage({ tableId, attributeNumber }: Garbage): void {
    if (attributeNumber === undefined) this.#tree.removeSync(['garbage', tableId]);
    else this.#tree.removeSync(['garbage index', tableId, attributeNumber]);
  }

  /** Inside a commit: nobody reads or maintains the index any more, its entries are reclaimed later. */
  removeIndex(table: Table, attributeNumber: number): void {
    this.#tree.putSync(['garbage index', table.id, attributeNumber], empty);
  }

  /** Inside a commit. @throws CodedError `database_exists`, `invalid_name` */
  createDatabase(commit: Commit, name: string): void {
    if (this.#tree.get(['database', name]))
      throw new CodedError('database_exists', `database '${name}' already exists`);
    this.#putDatabase(name);
    commit.touchCatalog();
  }

  /** Inside a commit: forgets the database; its tables have to be dropped in the same one. @throws CodedError `database_missing` */
  removeDatabase(commit: Commit, name: string): void {
    if (!this.#tree.removeSync(['database', name]))
      throw new CodedError('database_missing', `database '${name}' does not exist`);
    commit.touchCatalog();
  }

  /** Inside a commit; creates the database when it is missing. @throws CodedError `table_exists`, `invalid_request`, `invalid_name` */
  createTable(commit: Commit, spec: TableSpec): Table {
    const { database, name } = spec;
    const others = this.tables(database);
    if (others.some((table) => table.name === name))
      throw new CodedError('table_exists', `Table '${name}' already exists in '${database}'`);
    // File systems that fold case would give both channels one stream directory.
    const twin = others.find((table) => table.name.toLowerCase() === name.toLowerCase());
    if (twin)
      throw new CodedError(
        'table_exists',
        `Table '${name}' differs only by case from '${twin.name}' in '${database}'; choose another name`,
      );
    if (!this.#tree.get(['database', database])) this.#putDatabase(database);
    const declared = [
      { name: spec.primaryKey, indexed: false },
      ...(spec.attributes ?? []).filter((attribute) => attribute.name !== spec.primaryKey),
    ];
    if (declared.length > maxAttributes) throw tooManyAttributes(spec);
    // Above all that was ever written here, also while the clock was ahead: what went into a former table of this name
    // would pass for written into this one, and deleted since (`collected.ts`).
    const createdAtMs = Math.max(commit.nowMs, Math.ceil(versionToMs(commit.state.clock + 1)));
    commit.raiseClock(msToVersion(createdAtMs) - 1);
    const table: Table = {
      id: this.#drawTableId(),
      database,
      name,
      primaryKey: spec.primaryKey,
      incarnation: randomId(9),
      attributes: declared.map((attribute, number): Attribute => ({
        name: attribute.name,
        number,
        index: attribute.indexed ? 'ready' : 'none',
        dropped: false,
        hiddenUpTo: 0,
        ...('type' in attribute && attribute.type !== undefined ? { type: attribute.type } : {}),
      })),
      schemaDefined: spec.schemaDefined ?? false,
      local: database === systemDatabase,
      createdAtMs,
    };
    this.putTable(commit, table);
    return table;
  }

  /** Inside a commit: replaces the definition of a table. */
  putTable(commit: Commit, table: Table): void {
    this.#tree.putSync(['table', table.id], encodeMessage(table));
    commit.touchCatalog();
  }

  /** Inside a commit: the tables are gone at once, their rows are reclaimed later. */
  removeTables(commit: Commit, tables: readonly Table[]): void {
    for (const { id } of tables) {
      this.#tree.removeSync(['table', id]);
      this.#tree.putSync(['garbage', id], empty);
    }
    commit.touchCatalog();
  }

  /**
   * Inside a commit: the table with the attributes of `names` that it lacked, or itself. What others have added since the
   * definition was read, in this commit too, stays.
   *
   * @throws CodedError `invalid_request` where that would be more than `most`
   */
  withAttributes(commit: Commit, table: Table, names: Iterable<string>, most = Infinity): Table {
    const asRead = knownNames(table);
    const lacking = [...names].filter((name) => !asRead.has(name));
    if (lacking.length === 0) return table;
    const current = this.tableById(table.id) ?? table;
    const known = knownNames(current);
    // Of those of one name the last counts.
    const latest = new Map(current.attributes.map((attribute) => [attribute.name, attribute]));
    const added = new Map<string, Attribute>();
    for (const name of lacking) {
      if (known.has(name) || added.has(name)) continue;
      const number = current.attributes.length + added.size;
      const hiddenUpTo = latest.get(name)?.hiddenUpTo ?? 0;
      added.set(name, { name, number, index: 'none', dropped: false, hiddenUpTo });
    }
    if (added.size === 0) return current;
    if (known.size + added.size > most) throw tooManyAttributes(current);
    const changed = { ...current, attributes: [...current.attributes, ...added.values()] };
    this.putTable(commit, changed);
    return changed;
  }

  /** @throws CodedError `invalid_name` where the streams of its tables would have the directories of another one's */
  #putDatabase(name: string): void {
    const folded = name.toLowerCase();
    for (const other of this.#snapshot().databases)
      if (other !== name && other.toLowerCase() === folded)
        throw new CodedError(
          'invalid_name',
          `database '${name}' differs only by case from the existing '${other}'`,
        );
    this.#tree.putSync(['database', name], empty);
  }

  #drawTableId(): number {
    const last = this.#tree.get('lastTableId');
    const id = (last?.readUInt32BE() ?? 0) + 1;
    const value = Buffer.alloc(4);
    value.writeUInt32BE(id);
    this.#tree.putSync('lastTableId', value);
    return id;
  }

  #snapshot(): Snapshot {
    const version = this.#readVersion();
    if (this.#cached?.version === version) return this.#cached;
    const databases = new Set<string>();
    const decoded = new Map<number, Decoded>();
    const tables = new Map<number, Table>();
    const byName = new Map<string, Map<string, Table>>();
    for (const { key, value } of this.#tree.getRange({})) {
      if (!Array.isArray(key)) continue;
      if (key[0] === 'database') databases.add(String(key[1]));
      if (key[0] !== 'table') continue;
      const id = Number(key[1]);
      const table = this.#decode(id, value);
      decoded.set(id, { bytes: value, table });
      tables.set(id, table);
      const siblings = byName.get(table.database) ?? new Map<string, Table>();
      byName.set(table.database, siblings.set(table.name, table));
    }
    this.#decoded = decoded;
    this.#cached = { version, databases, tables, byName };
    return this.#cached;
  }

  #decode(id: number, bytes: Buffer): Table {
    const before = this.#decoded.get(id);
    return before?.bytes.equals(bytes) === true ? before.table : (decodeMessage(bytes) as Table);
  }

  /** A rolled back commit may have been read. */
  forget(): void {
    this.#cached = undefined;
  }
}

function tooManyAttributes({ database, name }: Pick<Table, 'database' | 'name'>): CodedError {
  return new CodedError(
    'invalid_request',
    `Table '${database}.${name}' may have at most ${maxAttributes} attributes: put names that vary into an object in one attribute, or drop attributes`,
  );
}

/** Live attributes, as clients see them. */
export function visibleAttributes(table: Table): readonly Attribute[] {
  return table.attributes.filter(({ dropped }) => !dropped);
}

const namesByTable = new WeakMap<Table, ReadonlySet<string>>();

/** Names of {@link visibleAttributes}, made once for each definition. */
export function knownNames(table: Table): ReadonlySet<string> {
  let names = namesByTable.get(table);
  if (!names) {
    names = new Set(visibleAttributes(table).map(({ name }) => name));
    namesByTable.set(table, names);
  }
  return names;
}

const empty = Buffer.alloc(0);
