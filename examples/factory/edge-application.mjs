// Watches the temperature of one machine. It runs beside the edge database and knows nothing else: no address but
// localhost, no cluster, no link. What headquarters decides is in the local `thresholds`, what headquarters must
// know goes into the local `alerts`.
//
//   node edge-application.mjs [file]      readings from the file, or from standard input
//
// Writes one line of JSON for each batch that is stored and for each alert.

import { createReadStream } from 'node:fs';
import { IncidentDetector } from './incidents.mjs';
import { arrivingLines, minutesBefore, parseReading, SENSOR } from './readings.mjs';

const url = process.env.LYRE_URL ?? 'http://localhost:9925';
const username = process.env.LYRE_USERNAME ?? 'admin';
const password = process.env.LYRE_PASSWORD ?? '';
const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

const maxBatch = 500;
const minutesInAlert = 60;

const [file] = process.argv.slice(2);
const input = file ? createReadStream(file) : process.stdin;
const detector = new IncidentDetector();

for await (const lines of arrivingLines(input.setEncoding('utf8'), maxBatch)) {
  const readings = lines.map(parseReading).filter((reading) => reading !== undefined);
  if (readings.length === 0) continue;
  // Stored first: an alert quotes the readings before it.
  await ask({ operation: 'insert', table: 'sensor_data', records: readings });
  const limits = await readLimits();
  for (const reading of readings) {
    const incident = limits && detector.check(reading, limits);
    if (incident) await raiseAlert(incident);
  }
  tell({ stored: readings.length, until: readings.at(-1)?.timestamp, limits });
}

/**
 * Asked again for each batch: the answer comes from this machine, and headquarters may have changed it.
 *
 * @returns {Promise<import('./incidents.mjs').Limits | undefined>} undefined until headquarters has set some
 */
async function readLimits() {
  const [limits] = await ask({
    operation: 'search_by_id',
    table: 'thresholds',
    ids: [SENSOR],
    get_attributes: ['low', 'high'],
  });
  return limits;
}

/** @param {import('./incidents.mjs').Incident} incident */
async function raiseAlert({ reading, limit, limits }) {
  const { sensor, timestamp, value } = reading;
  const readings = await ask({
    operation: 'search_by_conditions',
    table: 'sensor_data',
    operator: 'and',
    conditions: [
      {
        attribute: 'timestamp',
        comparator: 'greater_than_equal',
        value: minutesBefore(timestamp, minutesInAlert),
      },
      { attribute: 'timestamp', comparator: 'less_than', value: timestamp },
    ],
    sort: { attribute: 'timestamp' },
    get_attributes: ['timestamp', 'value'],
  });
  // The id says which incident it is: raised twice, it is still one alert.
  const alert = { id: `${sensor}_${timestamp}`, sensor, timestamp, value, limit, ...limits, readings };
  await ask({ operation: 'insert', table: 'alerts', records: [alert] });
  tell({ alert: alert.id, value, limit });
}

/**
 * One operation on the schema `default`.
 *
 * @param {object} operation
 */
async function ask(operation) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ schema: 'default', ...operation }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`The database refused: ${answer.error ?? response.status}`);
  return answer;
}

/** @param {object} fact */
function tell(fact) {
  console.log(JSON.stringify(fact));
}
