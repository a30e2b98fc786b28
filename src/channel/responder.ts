import type { Msg } from '@nats-io/transport-node';
import { decodeToken } from '../model/channel-name.ts';
import { CodedError, messageOf } from '../model/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { RareLines } from '../runtime/rare-lines.ts';
import { encodeBody, encodeFailure } from './message-body.ts';

export interface ResponderOptions {
  /** Answers a service; `peer` is who the server authenticated, undefined for a caller without a key. */
  readonly answer: (peer: string | undefined, service: string, body: Uint8Array) => Promise<unknown>;
  readonly log: Logger;
}

/** Answers messages to services. Whoever asks decides how often that fails, and needs no key to ask to join. */
export class Responder {
  readonly #options: ResponderOptions;
  readonly #refused: RareLines;
  readonly #failed: RareLines;
  readonly #unanswered: RareLines;

  constructor(options: ResponderOptions) {
    this.#options = options;
    const lines = { log: options.log, field: 'peer', message: 'service failed' } as const;
    this.#refused = new RareLines({ ...lines, level: 'info' });
    this.#failed = new RareLines({ ...lines, level: 'error' });
    this.#unanswered = new RareLines({ ...lines, level: 'warn', message: 'service could not answer' });
  }

  /** Also where that fails. Never rejects: nobody waits for it but who has asked. */
  async respond(message: Pick<Msg, 'subject' | 'data' | 'respond'>): Promise<void> {
    const { answer, log } = this.#options;
    const [, first, second] = message.subject.split('.');
    const service = second ?? first ?? '';
    let peer: string | undefined;
    try {
      peer = second === undefined ? undefined : decodeToken(first ?? '');
      message.respond(encodeBody(await answer(peer, service, message.data)));
    } catch (error) {
      const caller = peer ?? 'join';
      const isExpected = error instanceof CodedError;
      if (isExpected) this.#refused.write(caller, { service, err: messageOf(error) });
      else this.#failed.write(caller, { service, err: error });
      try {
        if (!message.respond(encodeFailure(isExpected ? error.message : 'internal error')))
          log.debug({ service }, 'nobody waits for an answer');
      } catch (err) {
        this.#unanswered.write(caller, { service, err });
      }
    }
  }
}
