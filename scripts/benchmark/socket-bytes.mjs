import { run } from './owned-processes.mjs';

/**
 * The TCP payload of both directions, TLS included, that a process tree has exchanged with a port of this machine so
 * far, by connection. The kernel counts it, so that nothing stands in the way of the bytes.
 *
 * @param {readonly number[]} pids of the side that dials
 * @param {number} port
 * @returns {Promise<Map<string, number>>}
 * @throws an Error where `ss` is missing
 */
export async function bytesWithPort(pids, port) {
  const { status, output } = await run('ss', ['-tinpOH', 'state', 'established', `dport = :${port}`]).catch(
    () => {
      throw new Error(
        'ss is not installed (Debian: apt-get install iproute2); it tells the bytes of a connection',
      );
    },
  );
  if (status !== 0) throw new Error(`ss failed: ${output.trim()}`);
  const wanted = new Set(pids);
  const sockets = output.split('\n').filter((line) => wanted.has(Number(/,pid=(\d+),/.exec(line)?.[1])));
  return new Map(
    sockets.map((line) => [
      addressIn(line),
      counterIn(line, 'bytes_sent') + counterIn(line, 'bytes_received'),
    ]),
  );
}

/**
 * @param {Map<string, number>} before
 * @param {Map<string, number>} after
 * @throws an Error when a connection ended in between: its last bytes are not known
 */
export function bytesBetween(before, after) {
  if (after.size === 0) throw new Error('There is no connection between the nodes to count bytes of');
  if ([...before.keys()].some((connection) => !after.has(connection)))
    throw new Error('A connection ended while its bytes were counted');
  return [...after].reduce((total, [connection, bytes]) => total + bytes - (before.get(connection) ?? 0), 0);
}

/** @param {string} line of `ss`: two queues, this end, the other end */
function addressIn(line) {
  return line.trim().split(/\s+/)[2];
}

/**
 * @param {string} line
 * @param {string} name left out by `ss` while it is 0
 */
function counterIn(line, name) {
  return Number(new RegExp(` ${name}:(\\d+)`).exec(line)?.[1] ?? 0);
}
