// Watches the temperature of one machine. It runs beside the edge database and knows nothing else: no address but
// localhost, no cluster, no link. What headquarters decides is in the local `thresholds`, what headquarters must
// know goes into the local `alerts`.
//
//   node edge-application.mjs [file]      readings from the file, or from standard input
//
// Writes one line of JSON for each batch that is stored, for each alert, and when the limits change.

import { createReadStream } from 'node:fs';
import { Database } from './database.mjs';
import { IncidentDetector } from './incidents.mjs';
import { Limits } from './limits.mjs';
import { arrivingLines, minutesBefore, parseReading } from './readings.mjs';

const database = new Database({
  url: process.env.LYRE_URL ?? 'http://localhost:9925',
  username: process.env.LYRE_USERNAME ?? 'admin',
  password: process.env.LYRE_PASSWORD ?? '',
});

const maxBatch = 500;
const minutesInAlert = 60;

const [file] = process.argv.slice(2);
const input = file ? createReadStream(file) : process.stdin;
const detector = new IncidentDetector();
const limits = new Limits(database, (current) => tell({ limits: current }));

await limits.start();
try {
  for await (const lines of arrivingLines(input.setEncoding('utf8'), maxBatch)) {
    const readings = lines.map(parseReading).filter((reading) => reading !== undefined);
    if (readings.length > 0) await take(readings);
  }
} finally {
  limits.close();
}

/** @param {import('./readings.mjs').Reading[]} readings */
async function take(readings) {
  // Stored first: an alert quotes the readings before it.
  await database.ask({ operation: 'insert', table: 'sensor_data', records: readings });
  for (const reading of readings) {
    const { current } = limits;
    const incident = current && detector.check(reading, current);
    if (incident) await raiseAlert(incident);
  }
  tell({ stored: readings.length, until: readings.at(-1)?.timestamp });
}

/** @param {import('./incidents.mjs').Incident} incident */
async function raiseAlert({ reading, limit, limits: exceeded }) {
  const { sensor, timestamp, value } = reading;
  const readings = await database.ask({
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
  const alert = { id: `${sensor}_${timestamp}`, sensor, timestamp, value, limit, ...exceeded, readings };
  await database.ask({ operation: 'insert', table: 'alerts', records: [alert] });
  tell({ alert: alert.id, value, limit });
}

/** @param {object} fact */
function tell(fact) {
  console.log(JSON.stringify(fact));
}
