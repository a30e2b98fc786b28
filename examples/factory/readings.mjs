/**
 * One reading of the sensor, as it is stored in `sensor_data`.
 *
 * @typedef {{ id: string, sensor: string, timestamp: string, value: number }} Reading
 */

export const SENSOR = 'machine-temperature';

/**
 * Reads one line of the sensor's file: `2013-12-02 21:15:00,73.96732207`.
 *
 * @param {string} line
 * @returns {Reading | undefined} undefined for the heading and for empty lines
 * @throws an Error that quotes a line that is neither
 */
export function parseReading(line) {
  const text = line.trim();
  if (text === '' || text === 'timestamp,value') return undefined;
  const match = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}),(-?\d+(?:\.\d+)?)$/.exec(text);
  if (!match) throw new Error(`Not a reading: ${text}`);
  const [, day, time, value] = match;
  const timestamp = `${day}T${time}`;
  return { id: readingId(timestamp, Number(value)), sensor: SENSOR, timestamp, value: Number(value) };
}

/**
 * The timestamp alone would lose readings: the machine's clock was set back by an hour on 2014-01-07, so twelve
 * timestamps occur twice. With the value the id is unique, and the same reading always gets the same one: a
 * program that starts again from the beginning of its file stores nothing twice.
 *
 * @param {string} timestamp
 * @param {number} value
 */
export function readingId(timestamp, value) {
  return `${timestamp}_${value}`;
}

/**
 * The machine's clock has no time zone, so neither have its timestamps; they sort as text.
 *
 * @param {string} timestamp
 * @param {number} minutes
 */
export function minutesBefore(timestamp, minutes) {
  return new Date(toMs(timestamp) - minutes * 60_000).toISOString().slice(0, 19);
}

/**
 * @param {string} later
 * @param {string} earlier
 */
export function minutesBetween(later, earlier) {
  return (toMs(later) - toMs(earlier)) / 60_000;
}

/** @param {string} timestamp */
function toMs(timestamp) {
  return Date.parse(`${timestamp}Z`);
}

/**
 * The lines that have arrived so far, again and again until the input ends: one by one from a slow sensor, many
 * at a time from a file.
 *
 * @param {AsyncIterable<string>} input
 * @param {number} maxLines
 * @returns {AsyncGenerator<string[]>}
 */
export async function* arrivingLines(input, maxLines) {
  let rest = '';
  for await (const chunk of input) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (let start = 0; start < lines.length; start += maxLines) yield lines.slice(start, start + maxLines);
  }
  if (rest !== '') yield [rest];
}
