import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { matchFailures } from '../../examples/factory/failures.mjs';
import { IncidentDetector, QUIET_MINUTES } from '../../examples/factory/incidents.mjs';
import { arrivingLines, minutesBefore, parseReading } from '../../examples/factory/readings.mjs';

const lines = readFileSync('examples/factory/machine_temperature_system_failure.csv', 'utf8')
  .trimEnd()
  .split('\n');

test('a line of the file is a reading with an id of its own', () => {
  expect(parseReading('2013-12-02 21:15:00,73.96732207\r')).toEqual({
    id: '2013-12-02T21:15:00_73.96732207',
    sensor: 'machine-temperature',
    timestamp: '2013-12-02T21:15:00',
    value: 73.96732207,
  });
});

test.each(['timestamp,value', '', '  '])('%j is no reading, and no error', (line) => {
  expect(parseReading(line)).toBeUndefined();
});

test.each(['2013-12-02 21:15:00,', '2013-12-02,1', '2013-12-02 21:15:00,NaN', 'x'])(
  '%j is refused by its own words',
  (line) => {
    expect(() => parseReading(line)).toThrow(line);
  },
);

test('all 22,695 readings have different ids, though twelve timestamps occur twice', () => {
  const readings = readAll();

  expect(readings).toHaveLength(22_695);
  expect(new Set(readings.map(({ timestamp }) => timestamp)).size).toBe(22_683);
  expect(new Set(readings.map(({ id }) => id)).size).toBe(22_695);
});

test('lines come whole and in order, whatever the pieces they arrive in', async () => {
  const batches = [];

  for await (const batch of arrivingLines(pieces('a\nbb', 'b\nc\nd\ne', '', 'f\ng'), 2)) batches.push(batch);

  expect(batches).toEqual([['a'], ['bbb', 'c'], ['d'], ['ef'], ['g']]);
});

test('an hour before midnight is the day before', () => {
  expect(minutesBefore('2014-01-01T00:30:00', 60)).toBe('2013-12-31T23:30:00');
});

test('readings outside the limits are one incident until all have been inside for the quiet time', () => {
  const detector = new IncidentDetector();
  const at = (minute, value) =>
    detector.check(reading(minute, value), { low: 40, high: 105 })?.reading.timestamp;

  expect(at(0, 39.9)).toBe(minutesBefore('2014-01-01T00:00:00', 0));
  expect(at(5, 20)).toBeUndefined();
  expect(at(10, 70)).toBeUndefined();
  expect(at(5 + QUIET_MINUTES, 106)).toBeUndefined();
  expect(at(5 + 2 * QUIET_MINUTES + 5, 106)).toBe(reading(5 + 2 * QUIET_MINUTES + 5, 106).timestamp);
});

test('a reading on a limit is inside it', () => {
  const detector = new IncidentDetector();

  expect(detector.check(reading(0, 40), { low: 40, high: 105 })).toBeUndefined();
  expect(detector.check(reading(5, 105), { low: 40, high: 105 })).toBeUndefined();
});

test('limits that have changed count from the next reading on', () => {
  const detector = new IncidentDetector();

  expect(detector.check(reading(0, 50), { low: 40, high: 105 })).toBeUndefined();
  expect(detector.check(reading(5, 50), { low: 55, high: 105 })).toEqual({
    reading: reading(5, 50),
    limit: 'low',
    limits: { low: 55, high: 105 },
  });
});

test('with the limits of the demo three of the four failures are announced, beside seven other alerts', () => {
  const detector = new IncidentDetector();
  const limitsAt = (timestamp) => ({ low: timestamp < '2013-12-27' ? 40 : 55, high: 105 });

  const alerts = readAll().flatMap((one) => detector.check(one, limitsAt(one.timestamp))?.reading ?? []);

  const { failures, others } = matchFailures(alerts);
  expect(failures.map(({ failure, alerts: [first] }) => [failure, first?.timestamp])).toEqual([
    ['2013-12-11T06:00:00', undefined],
    ['2013-12-16T17:25:00', '2013-12-16T15:40:00'],
    ['2014-01-28T13:55:00', '2014-01-28T13:15:00'],
    ['2014-02-08T14:30:00', '2014-02-07T16:00:00'],
  ]);
  expect(others).toHaveLength(7);
});

function readAll() {
  return lines.map(parseReading).filter((one) => one !== undefined);
}

/**
 * @param {number} minute
 * @param {number} value
 */
function reading(minute, value) {
  const timestamp = minutesBefore('2014-01-01T00:00:00', -minute);
  return { id: `${timestamp}_${value}`, sensor: 'machine-temperature', timestamp, value };
}

/** @param {string[]} chunks */
async function* pieces(...chunks) {
  yield* chunks;
}
