import { minutesBetween } from './readings.mjs';

/** When the machine failed, as labelled by an engineer who works on it (see README.md). */
export const FAILURES = [
  '2013-12-11T06:00:00',
  '2013-12-16T17:25:00',
  '2014-01-28T13:55:00',
  '2014-02-08T14:30:00',
];

/** An alert counts for a failure when it was raised in the 24 hours before it; later it would help nobody. */
export const WINDOW_MINUTES = 24 * 60;

/**
 * @template {{ timestamp: string }} Alert
 * @param {readonly Alert[]} alerts
 * @returns {{ failures: { failure: string, alerts: Alert[] }[], others: Alert[] }} which failures were announced, and what was none
 */
export function matchFailures(alerts) {
  const failures = FAILURES.map((failure) => ({
    failure,
    alerts: alerts.filter(({ timestamp }) => isBefore(failure, timestamp)),
  }));
  const others = alerts.filter((alert) => !failures.some((one) => one.alerts.includes(alert)));
  return { failures, others };
}

/**
 * @param {string} failure
 * @param {string} timestamp
 */
function isBefore(failure, timestamp) {
  const minutes = minutesBetween(failure, timestamp);
  return minutes >= 0 && minutes <= WINDOW_MINUTES;
}
