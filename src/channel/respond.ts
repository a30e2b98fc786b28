import type { Msg } from '@nats-io/transport-node';
import { decodeToken } from '../model/channel-name.ts';
import { CodedError, messageOf } from '../model/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { encodeBody, encodeFailure } from './protocol.ts';

export interface RespondOptions {
  /** Answers a service; `peer` is who the server authenticated, undefined for a caller without a key. */
  readonly answer: (peer: string | undefined, service: string, body: Uint8Array) => Promise<unknown>;
  readonly log: Logger;
}

/** Answers a message to a service, also where that fails. Never rejects: nobody waits for it but who has asked. */
export async function respond(
  message: Pick<Msg, 'subject' | 'data' | 'respond'>,
  { answer, log }: RespondOptions,
): Promise<void> {
  const [, first, second] = message.subject.split('.');
  const service = second ?? first ?? '';
  let peer: string | undefined;
  try {
    peer = second === undefined ? undefined : decodeToken(first ?? '');
    message.respond(encodeBody(await answer(peer, service, message.data)));
  } catch (error) {
    const isExpected = error instanceof CodedError;
    log[isExpected ? 'info' : 'error'](
      { peer, service, err: isExpected ? messageOf(error) : error },
      'service failed',
    );
    try {
      if (!message.respond(encodeFailure(isExpected ? error.message : 'internal error')))
        log.debug({ service }, 'nobody waits for an answer');
    } catch (err) {
      log.warn({ peer, service, err }, 'service could not answer');
    }
  }
}
