import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Msg, NatsConnection } from '@nats-io/transport-node';

/** A link of 32 kbit/s is waited for while it sends, but not longer than that. */
const slowestBytesPerMs = 4;
const longestSendingMs = 60_000;
/** While something comes: as long as the largest answer takes at 64 kbit/s, and more. */
const longestMs = 180_000;
/** A connection that brings nothing for this long is not slow: at 64 kbit/s the largest piece of TLS takes two seconds. */
const silenceMs = 3_000;

/**
 * Asks a service, and waits longer than `timeoutMs` while a slow link takes the question, and for an answer that is on its
 * way.
 *
 * A server sends in the order in which it was given what it sends. Once the time is over it is asked for a sign: that comes
 * behind every answer that was given before. So a slow connection is told from a service that does not answer, however
 * much of other traffic there is.
 *
 * @param signal ends all waiting
 * @throws when no answer is on its way, or nothing comes at all
 */
export async function patientRequest(
  connection: NatsConnection,
  subject: string,
  body: Uint8Array,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Msg> {
  signal?.throwIfAborted();
  const answer = patientAnswer(connection, subject, body, timeoutMs);
  return signal ? unlessAborted(answer, signal) : answer;
}

async function patientAnswer(
  connection: NatsConnection,
  subject: string,
  body: Uint8Array,
  timeoutMs: number,
): Promise<Msg> {
  const answer = connection.request(subject, body, { timeout: longestMs });
  let received = receivedBytes(connection);
  const hasComeMore = (): boolean => {
    const before = received;
    received = receivedBytes(connection);
    return received > before;
  };
  const sendingMs = Math.min(body.length / slowestBytesPerMs, longestSendingMs);
  if (await isSettled(answer, timeoutMs + sendingMs)) return answer;
  if (hasComeMore()) {
    const sign = connection.flush().then(async () => nextTurn());
    while (!(await isSettled(Promise.race([answer, sign]), silenceMs)) && hasComeMore());
    if (await isSettled(answer, 0)) return answer;
  }
  throw new Error('timeout');
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Whether a promise is kept or broken within the time. */
async function isSettled(promise: Promise<unknown>, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), withinMs);
    const settled = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    promise.then(settled, settled);
  });
}

/** Also of a message that is not complete yet, which nats.js does not tell: the socket is its own affair. */
function receivedBytes(connection: NatsConnection): number {
  const { protocol } = connection as NatsConnection & {
    readonly protocol?: { readonly transport?: { readonly socket?: { readonly bytesRead: number } } };
  };
  return protocol?.transport?.socket?.bytesRead ?? 0;
}
