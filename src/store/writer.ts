import { randomBytes, randomUUID } from 'node:crypto';
import type { Change, Document, Key, Origin } from '../model/change.ts';
import { CodedError } from '../model/errors.ts';
import { createdTime, updatedTime, type Table } from '../model/table.ts';
import type { WriteOperation } from '../model/transaction.ts';
import { encodeChanges, encodeDocument } from '../model/transaction-codec.ts';
import { versionToMs } from '../model/version-clock.ts';
import type { Catalog } from './catalog.ts';
import type { ChangeLog } from './change-log.ts';
import type { Commit } from './commit.ts';
import { maxKeyBytes, visibleDocument, type Records } from './records.ts';
import type { Row } from './row.ts';

export interface WriteRequest {
  readonly table: Table;
  readonly operation: 'insert' | 'update' | 'upsert';
  readonly documents: readonly Document[];
  readonly user?: string;
}

export interface DeleteRequest {
  readonly table: Table;
  readonly keys: readonly Key[];
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

/** A row that a commit is about to replace, and what it will hold. */
interface Pending {
  readonly before: Row | undefined;
  document: Document | null;
}

/** Turns requests of clients into committed changes. All methods run inside a commit. */
export class Writer {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** insert skips keys that exist, update those that do not; upsert merges or creates. */
  write(commit: Commit, request: WriteRequest): WriteResult {
    const table = this.#current(request.table);
    const pending = new Map<Key, Pending>();
    const written: Key[] = [];
    const skipped: Key[] = [];
    const attributes = new Set<string>();
    for (const document of request.documents) {
      const key = keyOf(table, request.operation, document);
      const slot = pending.get(key) ?? this.#slot(table, key);
      const exists = slot.document !== null;
      if (exists ? request.operation === 'insert' : request.operation === 'update') {
        skipped.push(key);
        continue;
      }
      for (const name of Object.keys(document)) attributes.add(name);
      slot.document = { ...slot.document, ...document, [table.primaryKey]: key };
      pending.set(key, slot);
      written.push(key);
    }
    if (pending.size === 0) return { written, skipped, version: 0 };
    if (!table.schemaDefined) attributes.add(createdTime).add(updatedTime);
    const widened = this.#options.catalog.withAttributes(commit, table, attributes);
    const version = this.#commit(commit, widened, request.operation, request.user, pending);
    return { written, skipped, version };
  }

  delete(
    commit: Commit,
    request: DeleteRequest,
  ): { readonly deleted: readonly Key[]; readonly skipped: readonly Key[] } {
    const table = this.#current(request.table);
    const pending = new Map<Key, Pending>();
    const skipped: Key[] = [];
    for (const key of request.keys) {
      const slot = pending.get(key) ?? this.#slot(table, key);
      if (slot.document === null) {
        skipped.push(key);
        continue;
      }
      slot.document = null;
      pending.set(key, slot);
    }
    if (pending.size > 0) this.#commit(commit, table, 'delete', request.user, pending);
    return { deleted: [...pending.keys()], skipped };
  }

  /** Replaces a whole document of a local (system) table; null removes it. */
  replace(commit: Commit, table: Table, key: Key, document: Document | null): void {
    const before = this.#options.records.row(table, key);
    if (!before && document === null) return;
    this.#commit(commit, table, 'upsert', undefined, new Map([[key, { before, document }]]));
  }

  /** Rows, indexes, log entry and number of one transaction. */
  #commit(
    commit: Commit,
    table: Table,
    operation: WriteOperation,
    user: string | undefined,
    pending: ReadonlyMap<Key, Pending>,
  ): number {
    const { records, log } = this.#options;
    const origin = this.#options.identity();
    let replaced = 0;
    for (const { before } of pending.values()) if (before) replaced = Math.max(replaced, before.version);
    const version = commit.drawVersion(replaced);
    const timeMs = versionToMs(version);
    const changes: Change[] = [];
    let bytesInAll = 0;
    for (const [key, { before, document }] of pending) {
      const bytes = document && encodeDocument(stamped(table, document, before, timeMs));
      bytesInAll += bytes?.length ?? 0;
      if (bytesInAll > this.#options.maxTransactionBytes)
        throw new CodedError(
          'too_large',
          `The request writes more than ${this.#options.maxTransactionBytes} bytes in one transaction; send fewer records at a time`,
        );
      const row = {
        version,
        origin,
        base: before ? { version: before.version, origin: before.origin } : null,
        bytes,
      };
      records.put(commit, table, key, before, row);
      changes.push({ key, ...row });
    }
    if (!table.local)
      log.append(
        commit,
        {
          id: randomBytes(12).toString('base64url'),
          kind: 'write',
          origin,
          version,
          via: undefined,
          operation,
          user,
        },
        [{ tableId: table.id, incarnation: table.incarnation, changes: encodeChanges(changes) }],
      );
    return version;
  }

  /** The definition as of this commit: another request or process may have changed or dropped the table. */
  #current(table: Table): Table {
    const current = this.#options.catalog.tableById(table.id);
    if (!current)
      throw new CodedError('table_missing', `Table '${table.database}.${table.name}' does not exist`);
    return current;
  }

  #slot(table: Table, key: Key): Pending {
    const before = this.#options.records.row(table, key);
    return { before, document: (before && visibleDocument(table, before)) ?? null };
  }
}

function stamped(table: Table, document: Document, before: Row | undefined, timeMs: number): Document {
  if (table.schemaDefined) return document;
  const old = before && visibleDocument(table, before);
  return { ...document, [createdTime]: old?.[createdTime] ?? timeMs, [updatedTime]: timeMs };
}

function keyOf(table: Table, operation: WriteRequest['operation'], document: Document): Key {
  const key = Object.hasOwn(document, table.primaryKey) ? document[table.primaryKey] : undefined;
  if ((key === undefined || key === '') && operation !== 'update') return randomUUID();
  if (typeof key === 'number' && Number.isFinite(key)) return key;
  if (typeof key !== 'string' || key === '')
    throw new CodedError(
      'invalid_key',
      `Invalid hash value: '${String(key)}' is not a valid hash attribute value, check log for more info`,
    );
  if (Buffer.byteLength(key) > maxKeyBytes)
    throw new CodedError(
      'invalid_key',
      `A primary key may have at most ${maxKeyBytes} bytes; one has ${Buffer.byteLength(key)}`,
    );
  return key;
}
