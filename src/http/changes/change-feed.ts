import type { Change } from '../../model/change.ts';
import type { Table } from '../../model/table.ts';
import { decodeChanges } from '../../model/transaction-codec.ts';
import type { Logger } from '../../runtime/logger.ts';
import { RunLoop } from '../../runtime/run-loop.ts';
import type { LogEntry } from '../../store/change-log.ts';
import type { Store } from '../../store/store.ts';
import { changeEvent, type ReadableTable } from './change-event.ts';
import type { ChangePlace } from './change-place.ts';

/** Some events, as they are sent, and the place after them. */
export interface ChangePiece {
  readonly text: string;
  readonly after: ChangePlace;
}

/** What a transaction of the log has changed in one table. */
interface ReadTransaction {
  readonly tableId: number;
  readonly seq: number;
  readonly id: string;
  readonly changes: readonly Change[];
}

/** Events that are sent together: enough to be cheap, little enough to wait in memory for each reader. */
const pieceCharacters = 256 * 1024;

/** What listeners at the same place share; with the log as its source, nothing is lost when it is forgotten. */
const maxRememberedCharacters = 8 * 1024 * 1024;

const lookMs = 50;

/**
 * The committed changes of tables, local and replicated, as events for listeners.
 *
 * Listeners ask for what follows their place; each piece is read from the change log and written as text once,
 * however many listeners with the same rights are there. A listener that reads slowly is served from the log later, so nothing waits for
 * it here.
 */
export class ChangeFeed implements AsyncDisposable {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #remembered = new Map<string, ChangePiece>();
  #rememberedCharacters = 0;
  readonly #waiting = new Set<() => void>();
  /** In whose middle the last piece ended: read once, not again for each of its pieces, while memory is not needed. */
  #begun: WeakRef<ReadTransaction> | undefined;
  #seenPosition = -1;
  #loop: RunLoop | undefined;

  constructor(options: { readonly store: Store; readonly log: Logger }) {
    this.#store = options.store;
    this.#log = options.log;
  }

  /** Aborts when the feed is closed: listeners end then. */
  get closing(): AbortSignal {
    return this.#stopping.signal;
  }

  /** The place after everything that is committed. */
  head(table: Table): ChangePlace {
    const { headSeq, headId } = this.#store.log.head(table.id);
    return { seq: headSeq, left: 0, transactionId: headId };
  }

  /** Whether the log still holds everything after the place, and it is a place of this history. */
  reaches(table: Table, place: ChangePlace): boolean {
    const { trimmedSeq } = this.#store.log.head(table.id);
    if (place.seq < trimmedSeq || (place.seq === trimmedSeq && place.left > 0)) return false;
    return this.#store.log.idAt(table.id, place.seq) === place.transactionId;
  }

  /** Whether a place that a listener brings {@link reaches}, and its transaction has as much as it says is left. */
  accepts(table: Table, place: ChangePlace): boolean {
    if (!this.reaches(table, place)) return false;
    if (place.left === 0) return true;
    const [found] = this.#store.log.readChannel(table.id, place.seq - 1);
    return found !== undefined && place.left <= changesOf(table, found.entry).length;
  }

  /** What follows a place that was accepted and that the log {@link reaches}; undefined when nothing does yet. */
  after(readable: ReadableTable, place: ChangePlace): ChangePiece | undefined {
    const { table, attributes } = readable;
    const shown = attributes === undefined ? '*' : JSON.stringify([...attributes].sort());
    const name = `${table.id} ${hiddenUpTo(table)} ${place.seq} ${place.left} ${shown}`;
    if (place.left === 0 && place.seq >= this.#store.log.head(table.id).headSeq) return undefined;
    const remembered = this.#remembered.get(name);
    if (remembered) return remembered;
    const piece = this.#read(readable, place);
    if (piece) this.#remember(name, piece);
    return piece;
  }

  /** Resolves when something was committed since `after` was asked last, on abort, or when the time is over. */
  async changed(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.closing.aborted) return;
    this.#loop ??= this.#startLoop();
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, timeoutMs);
      this.#waiting.add(end);
      signal.addEventListener('abort', end);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#loop?.[Symbol.asyncDispose]();
    this.#wakeAll();
  }

  /** One look at the end of the log for all listeners of all tables, from the first listener on. */
  #startLoop(): RunLoop {
    const loop = new RunLoop({
      name: 'changes',
      idleMs: lookMs,
      log: this.#log,
      body: () => {
        if (this.#waiting.size === 0) return Promise.resolve(false);
        const { position } = this.#store.log.totals();
        if (position !== this.#seenPosition) this.#wakeAll();
        this.#seenPosition = position;
        return Promise.resolve(false);
      },
    });
    loop.start();
    return loop;
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #read(readable: ReadableTable, place: ChangePlace): ChangePiece | undefined {
    const { table } = readable;
    let text = '';
    let after = place;
    for (const transaction of this.#transactions(table, place)) {
      const { seq, id, changes } = transaction;
      const skipped = seq === place.seq ? changes.length - place.left : 0;
      for (let index = skipped; index < changes.length; index += 1) {
        const change = changes[index];
        if (change === undefined) continue;
        after = { seq, left: changes.length - index - 1, transactionId: id };
        text += changeEvent(readable, change, after, this.#isCurrent(table, change));
        if (text.length < pieceCharacters) continue;
        if (after.left > 0) this.#begun = new WeakRef(transaction);
        return { text, after };
      }
      // A transaction whose changes were all sent, or that has none here.
      after = { seq, left: 0, transactionId: id };
    }
    return after === place ? undefined : { text, after };
  }

  /** From the one in whose middle the place is. */
  *#transactions(
    table: Table,
    { seq: before, left, transactionId }: ChangePlace,
  ): Generator<ReadTransaction> {
    const begun = this.#begun?.deref();
    const isBegun = left > 0 && begun?.tableId === table.id && begun.id === transactionId;
    if (isBegun) yield begun;
    for (const { seq, entry } of this.#store.log.readChannel(
      table.id,
      left > 0 && !isBegun ? before - 1 : before,
    ))
      yield { tableId: table.id, seq, id: entry.header.id, changes: changesOf(table, entry) };
  }

  /** A change that lost, or was replaced since, is in the log all the same. */
  #isCurrent(table: Table, change: Change): boolean {
    const [row] = this.#store.rowsOf(table, [change.key]).rows;
    return (
      row !== undefined &&
      row.version === change.version &&
      row.origin.name === change.origin.name &&
      row.origin.storeId === change.origin.storeId
    );
  }

  #remember(name: string, piece: ChangePiece): void {
    this.#remembered.set(name, piece);
    this.#rememberedCharacters += piece.text.length;
    for (const [oldest, { text }] of this.#remembered) {
      if (this.#rememberedCharacters <= maxRememberedCharacters) return;
      this.#remembered.delete(oldest);
      this.#rememberedCharacters -= text.length;
    }
  }
}

/** What a dropped attribute hides was perhaps remembered before the drop. */
function hiddenUpTo(table: Table): number {
  return table.attributes.reduce((latest, attribute) => Math.max(latest, attribute.hiddenUpTo), 0);
}

function changesOf(table: Table, { parts }: LogEntry): readonly Change[] {
  const part = parts.find(({ tableId }) => tableId === table.id);
  return part === undefined ? [] : decodeChanges(part.changes);
}
