import type { ClusterNode } from './cluster-node.ts';
import type { ExpectedWinners, Key, Write, WriteOperation } from './expected-winners.ts';
import type { Fields } from './record-bytes.ts';
import type { Place } from './tables.ts';

export type Outcome = 'done' | 'unanswered';

interface WriteAnswer {
  readonly inserted_hashes?: readonly Key[];
  readonly update_hashes?: readonly Key[];
  readonly upserted_hashes?: readonly Key[];
  readonly deleted_hashes?: readonly Key[];
}

let requests = 0;

/** Writes to one table of one node and tells the oracle what was acknowledged. */
export class Recorder {
  readonly #node: ClusterNode;
  readonly #place: { readonly schema: string; readonly table: string };
  readonly #expected: ExpectedWinners;

  constructor(node: ClusterNode, [schema, table]: Place, expected: ExpectedWinners) {
    this.#node = node;
    this.#place = { schema, table };
    this.#expected = expected;
  }

  insert(...records: readonly Fields[]): Promise<Outcome> {
    return this.#send('insert', records);
  }

  update(...records: readonly Fields[]): Promise<Outcome> {
    return this.#send('update', records);
  }

  upsert(...records: readonly Fields[]): Promise<Outcome> {
    return this.#send('upsert', records);
  }

  delete(...ids: readonly Key[]): Promise<Outcome> {
    return this.#send(
      'delete',
      ids.map((id) => ({ id })),
    );
  }

  /**
   * Writes one record and reads it back, for the exact record that has to win. Only where nobody else can
   * write the key in between.
   */
  async exact(operation: 'insert' | 'update' | 'upsert', record: Fields): Promise<void> {
    const outcome = await this.#send(operation, [record], async () => {
      const found = (await this.#node.must({
        operation: 'search_by_hash',
        ...this.#place,
        hash_values: [record['id']],
        get_attributes: ['*'],
      })) as readonly Fields[];
      return found[0];
    });
    if (outcome !== 'done') throw new Error(`${this.#node.name} did not answer ${operation}`);
  }

  async #send(
    operation: WriteOperation,
    records: readonly Fields[],
    readBack?: () => Promise<Fields | undefined>,
  ): Promise<Outcome> {
    const request = (requests += 1);
    const sentMs = performance.now();
    const ids = records.map(({ id }) => id as Key);
    const what = operation === 'delete' ? { hash_values: ids } : { records };
    let answer: WriteAnswer | undefined;
    try {
      const { status, body } = await this.#node.op({ operation, ...this.#place, ...what });
      // A node that refuses a good write is wrong, unless it says that it is stopping.
      if (status !== 200 && status !== 503)
        throw new RefusedWriteError(
          `${this.#node.name} answered ${operation} with ${status}: ${JSON.stringify(body)}`,
        );
      if (status === 200) answer = body as WriteAnswer;
    } catch (error) {
      if (error instanceof RefusedWriteError) throw error;
      // It has never reached the node, so it cannot be there later.
      if (isConnectionRefused(error)) return 'unanswered';
    }
    const endedMs = performance.now();
    const stored = answer && (await readBack?.());
    for (const { id, ...fields } of records)
      this.#expected.add({
        node: this.#node.name,
        operation,
        id: id as Key,
        fields: operation === 'delete' ? {} : fields,
        outcome: outcomeOf(answer, id as Key),
        request,
        sentMs,
        endedMs,
        ...(stored ? { stored } : {}),
      });
    return answer ? 'done' : 'unanswered';
  }
}

class RefusedWriteError extends Error {}

function isConnectionRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

function outcomeOf(answer: WriteAnswer | undefined, id: Key): Write['outcome'] {
  if (!answer) return 'unanswered';
  const done =
    answer.inserted_hashes ?? answer.update_hashes ?? answer.upserted_hashes ?? answer.deleted_hashes ?? [];
  return done.includes(id) ? 'done' : 'skipped';
}
