import { randomUUID } from 'node:crypto';
import {
  keyBytes,
  keyProblem,
  type Change,
  type Document,
  type Key,
  type Origin,
  type Stamp,
} from '../model/change.ts';
import { CodedError } from '../model/errors.ts';
import { randomId } from '../model/random-id.ts';
import { createdTime, updatedTime, type Table } from '../model/table.ts';
import type { WriteOperation } from '../model/transaction.ts';
import { decodeDocument, encodeChanges, encodeDocument } from '../model/transaction-codec.ts';
import { versionToMs } from '../model/version-clock.ts';
import { knownNames, maxAttributes, type Catalog } from './catalog.ts';
import type { ChangeLog, NewPart } from './change-log.ts';
import type { Commit } from './commit.ts';
import { visibleDocument, type Records } from './records.ts';
import { changeOf, isTombstone, rowOf, type Row } from './row.ts';

/** Asked inside the commit of each record that is there: one that has changed since it was found is skipped. */
export type IsMeant = (document: Document) => boolean;

/** Run inside the commit, before it writes: throws where what the request was granted for holds no more. */
export type Check = () => void;

export interface WriteRequest {
  readonly table: Table;
  readonly operation: 'insert' | 'update' | 'upsert';
  readonly documents: readonly Document[];
  readonly isMeant?: IsMeant;
  readonly check?: Check;
  readonly user?: string;
}

export interface DeleteRequest {
  readonly table: Table;
  readonly keys: readonly Key[];
  readonly isMeant?: IsMeant;
  readonly check?: Check;
  readonly user?: string;
}

/** `version` is 0 when nothing was written. */
export interface WriteResult {
  readonly written: readonly Key[];
  readonly skipped: readonly Key[];
  readonly version: number;
}

export interface WriterOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly log: ChangeLog;
  readonly identity: () => Origin;
  readonly maxTransactionBytes: number;
}

/** What a row takes on its way besides key and document: versions and origins. */
const framingBytes = 24;

/** One step of a transaction. */
export type WriteStep = WriteRequest | DeleteRequest;

/** A row that a commit is about to replace, and what it will hold. */
interface Pending {
  readonly before: Row | undefined;
  /** What reads show of it, until it is deleted: what is written after that is another record. */
  old: Document | undefined;
  document: Document | null;
}

/** What a commit is about to do to one table. */
interface Staged {
  table: Table;
  readonly rows: Map<Key, Pending>;
  /** Attributes of what is written that the table does not have yet. */
  readonly lacking: Set<string>;
}

/** Turns requests of clients into committed changes. All methods run inside a commit. */
export class Writer {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** insert skips keys that exist, update those that do not; upsert merges or creates. */
  write(commit: Commit, request: WriteRequest): WriteResult {
    const staged = new Map<number, Staged>();
    const result = this.#stageWrite(staged, request);
    return { ...result, version: this.#commit(commit, staged, request.operation, request.user) };
  }

  delete(
    commit: Commit,
    request: DeleteRequest,
  ): { readonly deleted: readonly Key[]; readonly skipped: readonly Key[] } {
    const staged = new Map<number, Staged>();
    const { written, skipped } = this.#stageDelete(staged, request);
    this.#commit(commit, staged, 'delete', request.user);
    return { deleted: written, skipped };
  }

  /** All steps as one transaction with one version; a later step sees what an earlier one did. */
  transact(commit: Commit, steps: readonly WriteStep[], user: string | undefined): readonly WriteResult[] {
    const staged = new Map<number, Staged>();
    const results = steps.map((step) =>
      'keys' in step ? this.#stageDelete(staged, step) : this.#stageWrite(staged, step),
    );
    const version = this.#commit(commit, staged, operationOf(steps), user);
    return results.map((result) => ({ ...result, version }));
  }

  /** Puts a whole document in the place of what is there, of which nothing stays; null removes it. */
  replace(commit: Commit, table: Table, key: Key, document: Document | null, user?: string): void {
    const before = this.#options.records.row(table, key);
    if (document === null && (!before || isTombstone(before))) return;
    const staged = new Map<number, Staged>();
    const target = this.#target(staged, table);
    // What tells when it was created keeps that.
    target.rows.set(key, { before, old: document ?? undefined, document });
    if (document) for (const name of [...Object.keys(document), ...stampsOf(table)]) target.lacking.add(name);
    this.#commit(commit, staged, document ? 'upsert' : 'delete', user);
  }

  #stageWrite(staged: Map<number, Staged>, request: WriteRequest): Omit<WriteResult, 'version'> {
    request.check?.();
    const target = this.#target(staged, request.table);
    const { table, rows, lacking } = target;
    const written: Key[] = [];
    const skipped: Key[] = [];
    const known = knownNames(table);
    const { isMeant = () => true } = request;
    for (const document of request.documents) {
      const key = keyOf(table, request.operation, document);
      const slot = rows.get(key) ?? this.#slot(table, key);
      const isSkipped =
        slot.document === null
          ? request.operation === 'update'
          : request.operation === 'insert' || !isMeant(slot.document);
      if (isSkipped) {
        skipped.push(key);
        continue;
      }
      for (const name of Object.keys(document)) if (!known.has(name)) lacking.add(name);
      slot.document = merged(slot.document, document, table.primaryKey, key);
      rows.set(key, slot);
      written.push(key);
    }
    if (written.length > 0) for (const name of stampsOf(table)) lacking.add(name);
    return { written, skipped };
  }

  #stageDelete(staged: Map<number, Staged>, request: DeleteRequest): Omit<WriteResult, 'version'> {
    request.check?.();
    const { table, rows } = this.#target(staged, request.table);
    const written: Key[] = [];
    const skipped: Key[] = [];
    const { isMeant = () => true } = request;
    for (const key of request.keys) {
      const slot = rows.get(key) ?? this.#slot(table, key);
      if (slot.document === null || !isMeant(slot.document)) {
        skipped.push(key);
        continue;
      }
      slot.document = null;
      slot.old = undefined;
      rows.set(key, slot);
      written.push(key);
    }
    return { written, skipped };
  }

  /** Rows, indexes, log entry and numbers of one transaction; its version, or 0 when nothing was staged. */
  #commit(
    commit: Commit,
    staged: ReadonlyMap<number, Staged>,
    operation: WriteOperation | undefined,
    user: string | undefined,
  ): number {
    const touched = [...staged.values()].filter(({ rows }) => rows.size > 0);
    if (touched.length === 0) return 0;
    // Searches know the attributes of what is written. Once for all steps: a definition may be large.
    for (const target of touched)
      target.table = this.#options.catalog.withAttributes(
        commit,
        target.table,
        target.lacking,
        maxAttributes,
      );
    const origin = this.#options.identity();
    let replaced = 0;
    for (const { rows } of touched)
      for (const { before } of rows.values()) if (before) replaced = Math.max(replaced, before.version);
    const version = commit.drawVersion(replaced);
    const budget = { bytes: this.#options.maxTransactionBytes };
    const parts: NewPart[] = [];
    for (const { table, rows } of touched) {
      const changes = this.#writeRows(commit, table, rows, { version, origin }, budget);
      if (!table.local)
        parts.push({ tableId: table.id, incarnation: table.incarnation, changes: encodeChanges(changes) });
    }
    const id = randomId();
    if (parts.length > 0)
      this.#options.log.append(
        commit,
        { id, kind: 'write', origin, version, via: undefined, operation, user },
        parts,
      );
    return version;
  }

  #writeRows(
    commit: Commit,
    table: Table,
    rows: ReadonlyMap<Key, Pending>,
    { version, origin }: Stamp,
    budget: { bytes: number },
  ): Change[] {
    const timeMs = versionToMs(version);
    const changes: Change[] = [];
    for (const [key, { before, old, document }] of rows) {
      const image = document && stamped(table, document, old, timeMs);
      const bytes = image && encodeDocument(image);
      // What stays here no peer has to apply.
      if (!table.local) budget.bytes -= (bytes?.length ?? 0) + keyBytes(key) + framingBytes;
      if (budget.bytes < 0)
        throw new CodedError(
          'too_large',
          `The request writes more than ${this.#options.maxTransactionBytes} bytes in one transaction; send fewer records at a time`,
        );
      const base = before ? { version: before.version, origin: before.origin } : null;
      const row = rowOf({ version, origin, base, bytes, document: image ?? undefined }, null);
      this.#options.records.put(commit, table, key, before, row);
      changes.push(changeOf(key, row));
    }
    return changes;
  }

  /** The definition as of this commit: another request or process may have changed or dropped the table. */
  #target(staged: Map<number, Staged>, table: Table): Staged {
    const known = staged.get(table.id);
    if (known) return known;
    const current = this.#options.catalog.tableById(table.id);
    if (!current)
      throw new CodedError('table_missing', `Table '${table.database}.${table.name}' does not exist`);
    const target = { table: current, rows: new Map<Key, Pending>(), lacking: new Set<string>() };
    staged.set(table.id, target);
    return target;
  }

  #slot(table: Table, key: Key): Pending {
    const row = this.#options.records.row(table, key);
    const before = row?.bytes ? { ...row, document: decodeDocument(row.bytes) } : row;
    const old = before && visibleDocument(table, before);
    return { before, old, document: old ?? null };
  }
}

/** What the log calls a transaction: the one thing that its steps do to tables that are logged, if it is one. */
function operationOf(steps: readonly WriteStep[]): WriteOperation | undefined {
  const logged = steps.filter(({ table }) => !table.local);
  const names = new Set(logged.map((step) => ('keys' in step ? 'delete' : step.operation)));
  const [name] = names;
  return names.size === 1 ? name : undefined;
}

function stampsOf({ schemaDefined }: Table): readonly string[] {
  return schemaDefined ? [] : [createdTime, updatedTime];
}

function stamped(table: Table, document: Document, old: Document | undefined, timeMs: number): Document {
  if (table.schemaDefined) return document;
  // Not by spreading: adding to a spread object is ten times slower, and so is packing it.
  return Object.assign({}, document, {
    [createdTime]: old?.[createdTime] ?? timeMs,
    [updatedTime]: timeMs,
  });
}

/** What is there, with what is written over it. A new record that names its key as it is stored is taken as it is. */
function merged(there: Document | null, written: Document, primaryKey: string, key: Key): Document {
  return there === null && Object.is(written[primaryKey], key)
    ? written
    : Object.assign({}, there, written, { [primaryKey]: key });
}

function keyOf(table: Table, operation: WriteRequest['operation'], document: Document): Key {
  const key = Object.hasOwn(document, table.primaryKey) ? document[table.primaryKey] : undefined;
  if ((key === undefined || key === '') && operation !== 'update') return randomUUID();
  // One zero: the key encoding has no other.
  if (typeof key === 'number' && Number.isFinite(key)) return key === 0 ? 0 : key;
  if (typeof key !== 'string' || key === '')
    throw new CodedError(
      'invalid_key',
      `Invalid hash value: '${String(key)}' is not a valid hash attribute value, check log for more info`,
    );
  const problem = keyProblem(key);
  if (problem !== undefined) throw new CodedError('invalid_key', problem);
  return key;
}
