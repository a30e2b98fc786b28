import { minutesBetween } from './readings.mjs';

/**
 * @typedef {import('./readings.mjs').Reading} Reading
 * @typedef {{ low: number, high: number }} Limits
 * @typedef {{ reading: Reading, limit: 'low' | 'high', limits: Limits }} Incident
 */

/** An incident is over when all readings of this long have been inside the limits. */
export const QUIET_MINUTES = 6 * 60;

/**
 * Turns readings into incidents: a machine that is too cold for a day is one incident, not 288.
 */
export class IncidentDetector {
  /** @type {string | undefined} */
  #lastOutside;

  /**
   * @param {Reading} reading
   * @param {Limits} limits those that are in force now
   * @returns {Incident | undefined} an incident, if one begins with this reading
   */
  check(reading, { low, high }) {
    const limit = reading.value < low ? 'low' : reading.value > high ? 'high' : undefined;
    if (!limit) return undefined;
    const lastOutside = this.#lastOutside;
    this.#lastOutside = reading.timestamp;
    const goesOn =
      lastOutside !== undefined && minutesBetween(reading.timestamp, lastOutside) <= QUIET_MINUTES;
    return goesOn ? undefined : { reading, limit, limits: { low, high } };
  }
}
