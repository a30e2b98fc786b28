import { expect, test } from 'vitest';
import { EventReader, type SentEvent } from '../http/changes/event-reader.ts';
import { countOf } from './support/cluster-view.ts';
import { administrator } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { makeTable } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const place = ['default', 'history'] as const;
const total = 30_000;
const batch = 2_000;

test('a listener to a table hears every row that a copy brings, once, in the order of the commits, and so does one that comes in the middle', async () => {
  await using pair = await Pair.start();
  const { host, edge, link } = pair;
  const [schema, table] = place;
  for (const node of pair.nodes) await makeTable(node, place);
  const expected = new ExpectedWinners();
  const atEdge = new Recorder(edge, place, expected);
  for (let first = 0; first < total; first += batch)
    await atEdge.insert(
      ...Array.from({ length: batch }, (_, index) => ({
        id: first + index,
        text: `${first + index} `.repeat(30),
      })),
    );
  const listen = (lastEventId?: string): Promise<EventReader> =>
    EventReader.open(`http://127.0.0.1:${host.apiPort}/changes/${schema}/${table}`, lastEventId, {
      authorization: `Basic ${btoa(`${administrator.username}:${administrator.password}`)}`,
    });
  using early = await listen();
  const ready = await early.next();
  expect(ready.event).toBe('ready');
  const heard = new Heard(early);

  await pair.connect([{ channel: 'default:history', publish: false, subscribe: true }]);
  await waitFor('the middle of the copy', async () => ((await countOf(host, place)) ?? 0) > 0, {
    everyMs: 1,
  });
  link.block();
  using late = await listen();
  expect((await late.next()).event).toBe('ready');
  const there = (await countOf(host, place)) ?? 0;
  expect(there).toBeGreaterThan(0);
  expect(there).toBeLessThan(total);
  link.unblock();

  const events = await heard.until('all rows', ({ length }) => length === total);
  const rows = await converged(pair.nodes, place, expected);
  expect(new Map(events.map(({ data }) => [data['id'], data['record']]))).toEqual(rows);
  for (const { event, data } of events)
    expect([event, data['operation'], data['origin'], data['current']]).toEqual([
      'message',
      'put',
      'edge',
      true,
    ]);
  const seqs = events.map(({ id }) => Number(id?.split('.')[0]));
  expect(seqs).toEqual(seqs.toSorted((one, other) => one - other));
  // More than one commit has brought them.
  expect(seqs.at(-1)).toBeGreaterThan(seqs[0] ?? Infinity);
  // The log holds them in the order of the commits: whoever reads them there later reads the same.
  using again = await listen(ready.id);
  expect((await again.next()).event).toBe('ready');
  expect(await new Heard(again).until('all rows once more', ({ length }) => length === total)).toEqual(
    events,
  );
  // What the late one has missed was there when it came, and nobody hears anything twice.
  await atEdge.insert({ id: 'afterwards', text: '' });
  const isLast = (soFar: readonly SentEvent[]): boolean => soFar.at(-1)?.data['id'] === 'afterwards';
  const all = await heard.until('what came afterwards', isLast);
  expect(all).toHaveLength(total + 1);
  const tail = await new Heard(late).until('what the late one has not missed', isLast);
  expect(tail).toEqual(all.slice(-tail.length));
  expect(tail.length).toBeGreaterThan(1);
  expect(total + 1 - tail.length).toBeGreaterThan(0);
  expect(total + 1 - tail.length).toBeLessThanOrEqual(there);
});

/** What a listener hears, as it comes. */
class Heard {
  readonly #events: SentEvent[] = [];

  constructor(reader: EventReader) {
    // It ends with the test, and whoever waits says what has not come.
    this.#read(reader).catch(() => undefined);
  }

  /** What had been heard when it was enough. */
  async until(
    what: string,
    isEnough: (soFar: readonly SentEvent[]) => boolean,
  ): Promise<readonly SentEvent[]> {
    return waitFor(
      `a listener to hear ${what}`,
      () => {
        if (!isEnough(this.#events)) throw new Error(`${this.#events.length} events`);
        return [...this.#events];
      },
      { limitMs: 60_000, everyMs: 5 },
    );
  }

  async #read(reader: EventReader): Promise<void> {
    for (;;) this.#events.push(await reader.next());
  }
}
