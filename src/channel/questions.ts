import type { Key } from '../model/change.ts';
import type { Source } from '../store/source.ts';
import { isBehindGap, type Cursor } from '../store/cursors.ts';
import type { Store } from '../store/store.ts';
import { LinkBudget } from './link-budget.ts';
import type { ChannelRequest } from './protocol.ts';
import { wireCursor } from './wire-fields.ts';
import type { Part } from './rows-in-parts.ts';

export interface QuestionsOptions {
  readonly store: Store;
  readonly channel: string;
  readonly database: string;
  readonly tableName: string;
  /** Other nodes whose own channel of this table we follow over a live link. */
  readonly sources: () => readonly string[];
}

/** Words the questions of a receiver, none for more than the link has shown that it can carry. */
export class Questions {
  readonly budget = new LinkBudget();
  readonly #options: QuestionsOptions;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  subscribe(
    storeId: string | undefined,
    cursor: Cursor | undefined,
    isStreamTorn: boolean,
  ): Extract<ChannelRequest, { kind: 'subscribe' }> {
    const { store, channel, database, tableName } = this.#options;
    const table = store.catalog.table(database, tableName);
    return {
      kind: 'subscribe',
      channel,
      sources: this.#sources(),
      maxBytes: this.budget.bytes,
      ...(table ? { primaryKey: table.primaryKey } : {}),
      ...(cursor && storeId !== undefined
        ? { cursor: wireCursor({ storeId, incarnation: cursor.incarnation }, cursor) }
        : {}),
      ...(cursor?.copy ? { copyId: cursor.copy.id } : {}),
      ...(isStreamTorn ? { isStreamTorn } : {}),
    };
  }

  pull(
    source: Source,
    after: { readonly seq: number; readonly id: string },
    wanted: { readonly bodies: boolean; readonly pieces: number },
  ): Extract<ChannelRequest, { kind: 'pull' }> {
    const cursor = wireCursor(source, after);
    const { channel } = this.#options;
    return {
      kind: 'pull',
      channel,
      cursor,
      sources: this.#sources(),
      ...wanted,
      maxBytes: this.budget.bytes,
    };
  }

  copy(
    source: Source,
    copyId: string,
    noted: { readonly seq: number; readonly id: string },
    after: Key | null,
    nextPart?: Pick<Part, 'id' | 'from'>,
  ): Extract<ChannelRequest, { kind: 'copy' }> {
    const { channel } = this.#options;
    const cursor = wireCursor(source, noted);
    const { newerThan } = source;
    const { bytes: maxBytes } = this.budget;
    return { kind: 'copy', channel, cursor, copyId, after, newerThan, maxBytes, nextPart };
  }

  /** Whose transactions may come as stubs: not of those whose numbers tell nothing, since something of theirs is left out or in quarantine. */
  #sources(): string[] {
    const { store, sources, database, tableName } = this.#options;
    const table = store.catalog.table(database, tableName);
    return [...sources()].filter((name) => {
      const storeId = store.nodes.get(name)?.storeId;
      const cursor = table && storeId !== undefined ? store.cursors.get(storeId, table.id) : undefined;
      return !isBehindGap(cursor) && cursor?.newerThan === undefined;
    });
  }
}
