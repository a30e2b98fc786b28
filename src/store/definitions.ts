import { CodedError } from '../model/errors.ts';
import { createdTime, updatedTime, type Attribute, type Table } from '../model/table.ts';
import { maxAttributes, visibleAttributes, type Catalog, type TableSpec } from './catalog.ts';
import type { Commit } from './commit.ts';
import type { Confirmed } from './confirmed.ts';
import type { CommitKind } from './environment.ts';
import type { Heard } from './heard.ts';
import type { Cursors } from './cursors.ts';
import type { Marks } from './marks.ts';
import type { Nodes } from './nodes.ts';
import type { Quarantine } from './quarantine.ts';
import type { Spool } from './spool.ts';

export interface DefinitionsOptions {
  readonly catalog: Catalog;
  readonly cursors: Cursors;
  readonly marks: Marks;
  readonly confirmed: Confirmed;
  readonly heard: Heard;
  readonly spool: Spool;
  readonly quarantine: Quarantine;
  readonly nodes: Nodes;
  readonly run: <T>(body: (commit: Commit) => T, kind?: CommitKind) => Promise<T>;
}

/** Databases, tables and attributes as requests see and change them; each change is one commit. */
export class Definitions {
  readonly #options: DefinitionsOptions;

  constructor(options: DefinitionsOptions) {
    this.#options = options;
  }

  /** Another one whenever a database, a table, a user or a role is another one. */
  get version(): number {
    return this.#options.catalog.version;
  }

  /** Names without `system`, sorted. */
  databases(): readonly string[] {
    return this.#options.catalog.databases();
  }

  hasDatabase(name: string): boolean {
    return this.#options.catalog.hasDatabase(name);
  }

  table(database: string, name: string): Table | undefined {
    return this.#options.catalog.table(database, name);
  }

  tables(database: string): readonly Table[] {
    return this.#options.catalog.tables(database);
  }

  tableById(id: number): Table | undefined {
    return this.#options.catalog.tableById(id);
  }

  allTables(): readonly Table[] {
    return this.#options.catalog.allTables();
  }

  /** @throws CodedError `database_exists` */
  async createDatabase(name: string): Promise<void> {
    await this.#options.run((commit) => this.#options.catalog.createDatabase(commit, name));
  }

  /** Drops its tables too. @throws CodedError `database_missing` */
  async dropDatabase(name: string): Promise<void> {
    await this.#options.run((commit) => {
      this.#options.catalog.removeDatabase(commit, name);
      this.#drop(commit, this.#options.catalog.tables(name));
      // Also channels whose table nobody has made yet: they would make the database anew.
      this.#options.nodes.stop(commit, ({ database }) => database === name);
    }, 'small');
  }

  /** Creates the database when it is missing. @throws CodedError `table_exists`, `invalid_request` */
  async createTable(spec: TableSpec): Promise<Table> {
    return this.#options.run((commit) => this.#create(commit, spec));
  }

  /** As {@link createTable}, where it is wanted, which is asked inside the commit; undefined where not. */
  async createWantedTable(spec: TableSpec, isWanted: () => boolean): Promise<Table | undefined> {
    return this.#options.run((commit) => (isWanted() ? this.#create(commit, spec) : undefined));
  }

  /**
   * Drops the table here, and its cursors, marks and log with it; peers keep theirs, and what they send
   * does not create it again. @throws CodedError `table_missing`
   */
  async dropTable(database: string, name: string): Promise<void> {
    await this.#options.run((commit) => {
      this.#drop(commit, [this.#require(database, name)]);
      this.#options.nodes.stop(commit, (channel) => channel.database === database && channel.table === name);
    }, 'small');
  }

  /** @throws CodedError `attribute_exists`, `invalid_request` */
  async createAttribute(
    database: string,
    tableName: string,
    attribute: { readonly name: string; readonly indexed: boolean },
  ): Promise<void> {
    await this.#options.run((commit) => {
      const table = this.#require(database, tableName);
      if (visibleAttributes(table).some(({ name }) => name === attribute.name))
        throw new CodedError(
          'attribute_exists',
          `attribute '${attribute.name}' already exists in ${database}.${tableName}`,
        );
      const widened = this.#options.catalog.withAttributes(commit, table, [attribute.name], maxAttributes);
      // Rows may hold values under this name already: the index is built before it is read.
      if (attribute.indexed)
        this.#options.catalog.putTable(commit, withIndex(widened, attribute.name, 'building'));
    });
  }

  /**
   * Hides the values that exist; later writes may use the name again.
   *
   * @throws CodedError `attribute_missing`, `invalid_request`
   */
  async dropAttribute(database: string, tableName: string, name: string): Promise<void> {
    await this.#options.run((commit) => {
      const table = this.#require(database, tableName);
      // Of a table that was made anew under the name of another one it may be another attribute.
      if (name === table.primaryKey)
        throw new CodedError('invalid_request', 'You cannot drop a hash attribute');
      if (!visibleAttributes(table).some((attribute) => attribute.name === name))
        throw new CodedError(
          'attribute_missing',
          `Attribute '${name}' does not exist on '${database}.${tableName}'`,
        );
      const hiddenUpTo = commit.drawVersion(0);
      for (const { name: candidate, number, index } of table.attributes)
        if (candidate === name && index !== 'none') this.#options.catalog.removeIndex(table, number);
      const attributes = table.attributes.map((attribute): Attribute =>
        attribute.name === name ? { ...attribute, index: 'none', dropped: true, hiddenUpTo } : attribute,
      );
      this.#options.catalog.putTable(commit, { ...table, attributes });
    }, 'small');
  }

  /** Begins to build the index of an attribute that searches want; nothing when it has one. */
  async wantIndex(table: Table, name: string): Promise<void> {
    await this.#options.run((commit) => {
      const current = this.#options.catalog.tableById(table.id);
      const attribute = current && visibleAttributes(current).find((candidate) => candidate.name === name);
      if (current && attribute?.index === 'none')
        this.#options.catalog.putTable(commit, withIndex(current, name, 'building'));
    });
  }

  #create(commit: Commit, spec: TableSpec): Table {
    const table = this.#options.catalog.createTable(commit, spec);
    if (table.schemaDefined || table.local) return table;
    return this.#options.catalog.withAttributes(commit, table, [createdTime, updatedTime]);
  }

  /** What the catalog says is read anew after each change of it: all of them are one. */
  #drop(commit: Commit, tables: readonly Table[]): void {
    this.#options.catalog.removeTables(commit, tables);
    for (const table of tables) {
      this.#options.cursors.removeTable(table.id);
      this.#options.marks.removeTable(table.id);
      this.#options.confirmed.removeTable(table.id);
      this.#options.heard.removeTable(table.id);
      this.#options.spool.removeTable(table.id);
      commit.removeTable(table.id);
    }
    this.#options.quarantine.removeTables(commit, tables);
  }

  #require(database: string, name: string): Table {
    if (!this.hasDatabase(database))
      throw new CodedError('database_missing', `database '${database}' does not exist`);
    const table = this.table(database, name);
    if (!table) throw new CodedError('table_missing', `Table '${database}.${name}' does not exist`);
    return table;
  }
}

/** The table with another state of one live attribute's index. */
export function withIndex(table: Table, name: string, index: Attribute['index']): Table {
  return {
    ...table,
    attributes: table.attributes.map((attribute) =>
      attribute.name === name && !attribute.dropped ? { ...attribute, index } : attribute,
    ),
  };
}
