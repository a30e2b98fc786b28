import { sentEvents } from './event-stream.mjs';

/** The database does not take what was asked: asking again would change nothing. */
export class Refusal extends Error {}

/** The database beside this program, over plain HTTP. */
export class Database {
  #url;
  #authorization;

  /** @param {{ url: string, username: string, password: string }} options */
  constructor({ url, username, password }) {
    this.#url = url;
    this.#authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  /**
   * One operation on the schema `default`.
   *
   * @param {object} operation
   */
  async ask(operation) {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { authorization: this.#authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ schema: 'default', ...operation }),
    });
    await refuseErrors(response);
    return response.json();
  }

  /**
   * What is committed to a table, from now on or after the event with this id. Ends when the connection does.
   *
   * @param {string} table
   * @param {{ lastEventId: string | undefined, signal: AbortSignal }} options
   * @returns {AsyncGenerator<import('./event-stream.mjs').SentEvent>}
   * @throws a {@link Refusal}, or what ended the connection
   */
  async *changes(table, { lastEventId, signal }) {
    const response = await fetch(new URL(`changes/default/${table}`, this.#url), {
      headers: {
        authorization: this.#authorization,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      signal,
    });
    await refuseErrors(response);
    if (response.body) yield* sentEvents(response.body.pipeThrough(new TextDecoderStream()));
  }
}

/** @param {Response} response */
async function refuseErrors(response) {
  if (response.ok) return;
  /** @type {any} */
  const answer = await response.json().catch(() => ({}));
  const { error = response.status } = answer;
  const message = `The database refused: ${error}`;
  throw response.status < 500 ? new Refusal(message) : new Error(message);
}
