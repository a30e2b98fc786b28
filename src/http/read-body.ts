import { constants } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { CodedError } from '../model/errors.ts';
import type { MemoryShare } from '../runtime/memory-budget.ts';

/**
 * The whole body of a request.
 *
 * @throws CodedError `too_large` as soon as the limit is known to be passed, with the rest of the body unread;
 *   `unavailable` when there is no room for it; `invalid_request` when it breaks off
 */
export function readBody(
  request: IncomingMessage,
  configuredLimitBytes: number,
  held: MemoryShare,
): Promise<Buffer> {
  // A longer one could not be turned into text.
  const limitBytes = Math.min(configuredLimitBytes, constants.MAX_STRING_LENGTH);
  return new Promise<Buffer>((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes);
    const chunks: Buffer[] = [];
    let size = 0;
    const stopListening = (): void => {
      request.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
    };
    const refuse = (error: CodedError): void => {
      stopListening();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limitBytes) refuse(tooLarge(limitBytes));
      else if (held.hold(size)) chunks.push(chunk);
      else refuse(new CodedError('unavailable', 'Too many large requests at once, try again'));
    };
    // What comes after the end is none of ours: to take the listeners away costs more than to leave them.
    const onEnd = (): void => {
      const [first] = chunks;
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, size));
    };
    const onBroken = (): void => {
      if (!request.readableEnded) refuse(new CodedError('invalid_request', 'The request body broke off'));
    };
    request.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  });
}

function tooLarge(limitBytes: number): CodedError {
  return new CodedError('too_large', `Request body is too large: at most ${limitBytes} bytes are accepted`);
}
