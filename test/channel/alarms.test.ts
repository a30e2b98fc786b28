import { pino } from 'pino';
import { expect, test } from 'vitest';
import { AlarmLog, keyAlarms, nodeAlarms, peerAlarms } from '../../src/channel/alarms.ts';
import type { Endurance } from '../../src/model/endurance.ts';
import type { PeerStatus } from '../../src/model/replication-control.ts';
import { makeSeed, publicKeyOf } from '../../src/stream/nkey.ts';
import { makeTable, TestStore, upsert } from '../store/test-store.ts';

const hourMs = 3_600_000;

function peer(
  facts: { readonly endurance?: Partial<Endurance>; readonly offsetMs?: number } = {},
): PeerStatus {
  const endurance = {
    waiting: { transactions: 12, bytes: 900 },
    growthBytesPerDay: 100,
    mayStayAwayMs: 400 * hourMs,
    state: 'enough' as const,
    ...facts.endurance,
  };
  return {
    node: 'edge-12',
    status: 'closed',
    ...(facts.offsetMs === undefined ? {} : { clock: { offsetMs: facts.offsetMs, uncertaintyMs: 3 } }),
    subscriptions: [
      { database: 'dev', table: 'dog', publish: true, subscribe: false, state: 'idle', endurance },
    ],
  };
}

test('a peer raises an alarm when its time runs out and when it has none left', () => {
  expect(peerAlarms(peer(), 300_000)).toEqual([]);
  expect(
    peerAlarms(peer({ endurance: { state: 'short', mayStayAwayMs: 31 * hourMs } }), 300_000).map(
      ({ text }) => text,
    ),
  ).toEqual([expect.stringMatching(/^edge-12 may stay away for 31 hours more .* dev\.dog: 12 transactions/)]);
  expect(
    peerAlarms(peer({ endurance: { state: 'overtaken', mayStayAwayMs: 0 } }), 300_000).map(
      ({ text }) => text,
    ),
  ).toEqual([expect.stringContaining('no longer has what edge-12 lacks of dev.dog')]);
});

test('a clock raises an alarm beyond half of what is tolerated, either way', () => {
  const textsOf = (offsetMs: number): string[] =>
    peerAlarms(peer({ offsetMs }), 300_000).map(({ text }) => text);

  expect([150_000, -150_000].flatMap(textsOf)).toEqual([]);
  expect([150_001, -400_000].flatMap(textsOf)).toEqual([
    expect.stringContaining('the clock of edge-12 is 2 minutes ahead of ours'),
    expect.stringContaining('the clock of edge-12 is 6 minutes behind ours'),
  ]);
});

test('a peer that calls itself by another name than it was added under raises an alarm', () => {
  expect(peerAlarms({ ...peer(), calledName: 'edge-13' }, 300_000)).toEqual([
    {
      key: 'edge-12 name',
      text: expect.stringMatching(/^edge-12 calls itself edge-13: start it as edge-12/),
    },
  ]);
});

test('a peer that has the key of another, or ours, or none raises an alarm', () => {
  const [ours = '', theirs = ''] = [1, 2].map(() => publicKeyOf(Buffer.from(makeSeed())));
  const row = { addedVersion: 1, subscriptions: [] };
  const rows = [
    { ...row, name: 'edge', nkey: theirs },
    { ...row, name: 'twin', nkey: theirs, addedVersion: 2 },
    { ...row, name: 'mirror', nkey: ours },
    { ...row, name: 'new' },
    { ...row, name: 'torn', nkey: 'UTORN' },
  ];

  expect(keyAlarms({ name: 'cloud', nkey: ours }, rows)).toEqual([
    { key: 'twin key', text: expect.stringMatching(/^'twin' has the key of 'edge'/) },
    { key: 'mirror key', text: expect.stringMatching(/^'mirror' has the key of 'cloud'/) },
    {
      key: 'torn key',
      text: expect.stringMatching(/^what torn joined with is no key, and it is not let in/),
    },
  ]);
});

test('the node raises an alarm when three quarters of the log are full', async () => {
  const clock = { nowMs: 1_800_000_000_000 };
  await using t = await TestStore.open({ now: () => clock.nowMs, logMaxBytes: 10_000 });
  await makeTable(t.store);
  await upsert(t.store, { id: 1, text: 'x'.repeat(7_000) });
  expect(nodeAlarms(t.store)).toEqual([]);

  await upsert(t.store, { id: 2, text: 'x'.repeat(400) });
  expect(nodeAlarms(t.store)).toEqual([
    { key: 'log', text: expect.stringMatching(/^the change log takes 7\d % of changeLog\.maxBytes/) },
  ]);
});

test('an alarm is logged once when it is raised and once when it is over, whatever its figures do meanwhile', () => {
  const lines: string[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(line) });
  const alarms = new AlarmLog(log);
  const short = (mayStayAwayMs: number) =>
    peerAlarms(peer({ endurance: { state: 'short', mayStayAwayMs } }), 300_000);

  alarms.report([]);
  alarms.report(short(31 * hourMs));
  alarms.report(short(30 * hourMs));
  alarms.report([...short(29 * hourMs), ...peerAlarms(peer({ offsetMs: 1e6 }), 300_000)]);
  alarms.report(peerAlarms(peer({ offsetMs: 1e6 }), 300_000));
  alarms.report(short(31 * hourMs));

  expect(
    lines
      .map((line) => JSON.parse(line) as { msg: string; alarm: string })
      .map(({ msg, alarm }) => [msg, alarm.slice(0, 9)]),
  ).toEqual([
    ['alarm raised', 'edge-12 m'],
    ['alarm raised', 'the clock'],
    ['alarm is over', 'edge-12 m'],
    ['alarm raised', 'edge-12 m'],
    ['alarm is over', 'the clock'],
  ]);
});
