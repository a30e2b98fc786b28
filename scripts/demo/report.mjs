import { matchFailures } from '../../examples/factory/failures.mjs';
import { minutesBetween } from '../../examples/factory/readings.mjs';
import { differing, missing } from './comparison.mjs';
import { measuredLines } from './edge-program.mjs';
import { grouped, seconds } from './screen.mjs';

const tables = ['sensor_data', 'alerts', 'thresholds', 'configs'];
const shownIds = 5;

/**
 * Compares both sides, id by id and value by value, also with what the machine measured, and says what it found.
 *
 * @param {import('./screen.mjs').Screen} screen
 * @param {import('./node-api.mjs').NodeApi} edge
 * @param {import('./node-api.mjs').NodeApi} headquarters
 * @param {{ downMs: number, waiting: number, dialMs: number, catchUpMs: number, longestLagMs: number }} link
 * @returns {Promise<boolean>} whether nothing was lost
 */
export async function report(screen, edge, headquarters, link) {
  const found = [];
  for (const table of tables) {
    const [ours, theirs] = await Promise.all([edge.rows(table), headquarters.rows(table)]);
    const unknown = table === 'sensor_data' ? missing(measuredLines, theirs) : [];
    found.push({ table, ours, theirs, lost: [...new Set([...differing(ours, theirs), ...unknown])] });
  }

  screen.table([
    ['', 'edge', 'headquarters', 'lost'],
    ...found.map(({ table, ours, theirs, lost }) => [
      table,
      grouped(ours.size),
      grouped(theirs.size),
      grouped(lost.length),
    ]),
  ]);
  screen.say();
  for (const { table, lost } of found)
    if (lost.length > 0) screen.say(`  LOST in ${table}: ${lost.slice(0, shownIds).join(', ')} ...`);
  sayLink(screen, link);
  sayFailures(screen, [...(found.find(({ table }) => table === 'alerts')?.theirs.values() ?? [])]);
  return found.every(({ lost }) => lost.length === 0);
}

function sayLink(screen, { downMs, waiting, dialMs, catchUpMs, longestLagMs }) {
  const rate = grouped(waiting / (catchUpMs / 1_000));
  const dialled = `the nodes had dialled again after ${seconds(dialMs)}`;
  screen.say(
    `  longest lag     ${seconds(longestLagMs)}: the link was down for ${seconds(downMs)}, ${dialled}`,
  );
  screen.say(`  catch-up rate   ${rate} rows/s: ${grouped(waiting)} rows in ${seconds(catchUpMs)}`);
  screen.say();
}

/**
 * What headquarters was told of the four failures.
 *
 * @param {import('./screen.mjs').Screen} screen
 * @param {any[]} alerts
 */
function sayFailures(screen, alerts) {
  const { failures, others } = matchFailures(alerts);
  screen.table([
    ['failure of the machine', 'alert in the 24 hours before it'],
    ...failures.map(({ failure, alerts: [first] }) => [
      shown(failure),
      first
        ? `${shown(first.timestamp)}, ${hours(minutesBetween(failure, first.timestamp))} before: ` +
          `${first.value.toFixed(1)} is ${first.limit === 'low' ? `below ${first.low}` : `above ${first.high}`}`
        : 'none',
    ]),
  ]);
  screen.say();
  screen.say(
    `  ${failures.filter(({ alerts: [first] }) => first).length} of ${failures.length} failures raised an alert; ${others.length} other alerts.`,
  );
  screen.say();
}

/** @param {string} timestamp */
function shown(timestamp) {
  return timestamp.slice(0, 16).replace('T', ' ');
}

/** @param {number} minutes */
function hours(minutes) {
  return minutes < 60
    ? `${minutes} min`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
