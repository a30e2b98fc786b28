import { machineCpuSeconds } from './process-tree.mjs';

/**
 * @typedef {object} Usage
 * @property {number} seconds
 * @property {number} clientCpu share of one core that this process, the client, took
 * @property {number} elsewhereCpu cores taken by what is neither the client nor the system: above 0, figures are too low
 * @property {number} systemSeconds processor time of the system
 */

/**
 * Begins to count; the function that it returns tells what was used since.
 *
 * @param {() => number} cpuSeconds of the system
 * @returns {(otherClientSeconds?: number) => Usage} `otherClientSeconds`: of a client that is a process of its own
 */
export function startUsage(cpuSeconds) {
  const read = () => {
    const { user, system } = process.cpuUsage();
    return {
      at: performance.now(),
      client: (user + system) / 1e6,
      system: cpuSeconds(),
      machine: machineCpuSeconds(),
    };
  };
  const before = read();
  return (otherClientSeconds = 0) => {
    const after = read();
    const seconds = (after.at - before.at) / 1_000;
    const client = after.client - before.client + otherClientSeconds;
    const systemSeconds = after.system - before.system;
    const elsewhere = after.machine - before.machine - client - systemSeconds;
    return {
      seconds,
      clientCpu: client / seconds,
      elsewhereCpu: Math.max(0, elsewhere / seconds),
      systemSeconds,
    };
  };
}
