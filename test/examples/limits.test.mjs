import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Database } from '../../examples/factory/database.mjs';
import { sentEvents } from '../../examples/factory/event-stream.mjs';
import { Limits } from '../../examples/factory/limits.mjs';
import { SENSOR } from '../../examples/factory/readings.mjs';
import { startHttpServer } from '../../src/http/server.ts';
import { openServer, standardSettings } from '../http/open-server.ts';

const thresholds = { schema: 'default', table: 'thresholds' };

async function openWithThresholds() {
  const t = await openServer();
  onTestFinished(() => t[Symbol.asyncDispose]());
  await t.post({ operation: 'create_table', ...thresholds, primary_key: 'id' });
  return t;
}

/** The limits of the program, and all that it was told of them. */
function follow(t, password = 'pass:word') {
  const told = [];
  const database = new Database({ url: t.url, username: 'admin', password });
  const limits = new Limits(database, (current) => told.push(current));
  onTestFinished(() => limits.close());
  return { limits, told, asked: vi.spyOn(database, 'ask') };
}

const set = (t, row) => t.post({ operation: 'upsert', ...thresholds, records: [row] });

test('the limits are read once, and every change is told without asking', async () => {
  const t = await openWithThresholds();
  await set(t, { id: SENSOR, low: 40, high: 105 });
  const program = follow(t);
  await program.limits.start();
  expect(program.limits.current).toEqual({ low: 40, high: 105 });

  await set(t, { id: 'another sensor', low: 1, high: 2 });
  await set(t, { id: SENSOR, low: 55 });
  await vi.waitFor(() => expect(program.limits.current).toEqual({ low: 55, high: 105 }));
  await t.post({ operation: 'delete', ...thresholds, ids: [SENSOR] });
  await vi.waitFor(() => expect(program.limits.current).toBeUndefined());

  expect(program.told).toEqual([{ low: 40, high: 105 }, { low: 55, high: 105 }, undefined]);
});

test('until headquarters has set limits there are none', async () => {
  const t = await openWithThresholds();
  const program = follow(t);

  await program.limits.start();
  expect(program.limits.current).toBeUndefined();
  await set(t, { id: SENSOR, low: 1, high: 2 });

  await vi.waitFor(() => expect(program.limits.current).toEqual({ low: 1, high: 2 }));
});

test('after a break it goes on after the last event: no change is missed, and the table is not read again', async () => {
  const t = await openWithThresholds();
  await set(t, { id: SENSOR, low: 40, high: 105 });
  const program = follow(t);
  await program.limits.start();

  await t.server[Symbol.asyncDispose]();
  for (const low of [45, 50]) {
    const table = t.store.catalog.table('default', 'thresholds');
    await t.store.write({ table, operation: 'update', documents: [{ id: SENSOR, low }] });
  }
  const { services } = t;
  const log = pino({ enabled: false });
  const { port } = t.server;
  const options = { ...standardSettings, port, services, health: () => t.health, log };
  const restarted = await startHttpServer(options);
  onTestFinished(() => restarted[Symbol.asyncDispose]());

  await vi.waitFor(() => expect(program.limits.current).toEqual({ low: 50, high: 105 }), { timeout: 10_000 });
  expect(program.told).toEqual([
    { low: 40, high: 105 },
    { low: 50, high: 105 },
  ]);
  expect(program.asked).toHaveBeenCalledTimes(1);
});

test('who may not listen is told so at once', async () => {
  const t = await openWithThresholds();
  const program = follow(t, 'wrong');

  await expect(program.limits.start()).rejects.toThrow('The database refused: Login failed');
  expect(() => program.limits.current).toThrow('Login failed');
});

test('events come whole and in order, whatever the pieces they arrive in', async () => {
  const events = [];

  for await (const event of sentEvents(
    pieces('event: rea', 'dy\nid: 1\ndata: {}\n', '\n: alive\n\ndata: {"a":1}\n\nda'),
  ))
    events.push(event);

  expect(events).toEqual([
    { event: 'ready', id: '1', data: {} },
    { event: 'message', id: undefined, data: { a: 1 } },
  ]);
});

/** @param {string[]} chunks */
async function* pieces(...chunks) {
  yield* chunks;
}
