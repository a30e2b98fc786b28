import { errors } from '@nats-io/transport-node';
import { messageOf } from '../model/errors.ts';

/** What a failure of nats.js is to a person: it may name a subject, or nothing. */
export function failureText(error: unknown): string {
  const isUnanswered =
    error instanceof errors.NoRespondersError ||
    (error instanceof errors.RequestError && error.isNoResponders());
  if (isUnanswered) return 'its nats-server is there, but no bridge answers: it is still starting, or down';
  const text = messageOf(error);
  return text.includes('undefined error') ? 'the connection was closed before it was up' : text;
}
