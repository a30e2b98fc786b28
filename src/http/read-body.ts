import type { IncomingMessage } from 'node:http';
import { CodedError } from '../model/errors.ts';

/** How long the rest of a refused body is thrown away, so that the client gets to read the answer. */
const drainTimeoutMs = 5_000;

/**
 * The whole body of a request.
 *
 * @throws CodedError `too_large` as soon as the limit is known to be passed, `invalid_request` when it breaks off
 */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limitBytes) await refuse(request, limitBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  const body = await new Promise<Buffer | 'too large'>((resolve, reject) => {
    const finish = (result: Buffer | 'too large'): void => {
      request.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limitBytes) finish('too large');
      else chunks.push(chunk);
    };
    const onEnd = (): void =>
      finish(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks));
    const onBroken = (): void => reject(new CodedError('invalid_request', 'The request body broke off'));
    request.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  });
  return body === 'too large' ? await refuse(request, limitBytes) : body;
}

async function refuse(request: IncomingMessage, limitBytes: number): Promise<never> {
  await drain(request);
  throw new CodedError('too_large', `Request body is too large: at most ${limitBytes} bytes are accepted`);
}

function drain(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, drainTimeoutMs);
    const finish = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.on('end', finish).on('error', finish).on('close', finish).resume();
  });
}
