import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { CodedError } from '../../model/errors.ts';
import { readableAttributes } from '../../operation/grants.ts';
import { checkNeeds } from '../../operation/permission.ts';
import { requireTable } from '../../operation/table-lookup.ts';
import type { User } from '../../operation/user/user.ts';
import { RareLines } from '../../runtime/rare-lines.ts';
import type { Store } from '../../store/store.ts';
import { sendError, type SendErrorOptions } from '../send-error.ts';
import type { ReadableTable } from './change-event.ts';
import type { ChangeFeed } from './change-feed.ts';
import { parseEventId } from './change-place.ts';
import { ChangeStream, type ChangeTimes } from './change-stream.ts';

export interface ChangesRouteOptions extends SendErrorOptions {
  readonly services: { readonly store: Store };
  readonly authenticate: (request: IncomingMessage) => Promise<User>;
  readonly feed: ChangeFeed;
  readonly changeTimes: ChangeTimes;
}

/** Each one costs a connection and a look at the log for every commit. */
const maxListeners = 1_000;
const maxListenersOfUser = 100;

/**
 * `GET /changes/<database>/<table>`: what is committed to a table, as Server-Sent Events, from now on or from
 * `Last-Event-ID` on.
 */
export function changesRoute(options: ChangesRouteOptions): RequestHandler {
  const listeners = new Listeners();
  const { log } = options;
  const slow = new RareLines({ log, level: 'warn', message: 'slow listener dropped', field: 'table' });
  return async (request: Request, response: Response) => {
    const { database, table: name } = request.params;
    // Asked again and again: a user may lose the right, or the table go, while the stream is open.
    const readTable = async (): Promise<ReadableTable & { readonly user: User }> => {
      const user = await options.authenticate(request);
      return { ...readableTable(options.services.store, user, database, name), user };
    };
    try {
      const readable = await readTable();
      const asked = request.get('last-event-id');
      const from = asked === undefined || asked === '' ? undefined : parseEventId(asked);
      if (asked !== undefined && asked !== '' && from === undefined)
        throw new CodedError('invalid_request', `'Last-Event-ID' must be the id of an event of this server`);
      const leave = listeners.enter(readable.user.username);
      const stream = new ChangeStream({ ...options, slow, response, readable, readTable, from });
      await stream.run().finally(leave);
    } catch (error) {
      await sendError(request, response, error, options);
    }
  };
}

class Listeners {
  readonly #users: string[] = [];

  /** Answers what ends it. @throws CodedError `unavailable` */
  enter(username: string): () => void {
    if (this.#users.length >= maxListeners) throw tooMany(`${maxListeners}`);
    if (this.#users.filter((other) => other === username).length >= maxListenersOfUser)
      throw tooMany(`${maxListenersOfUser} of your`);
    this.#users.push(username);
    return () => this.#users.splice(this.#users.indexOf(username), 1);
  }
}

function tooMany(which: string): CodedError {
  return new CodedError('unavailable', `${which} listeners are connected already, try again later`);
}

/** The only place that decides who may listen. @throws CodedError `forbidden`, `table_missing`, `invalid_request` */
function readableTable(store: Store, user: User, database: unknown, name: unknown): ReadableTable {
  if (typeof database !== 'string' || typeof name !== 'string')
    throw new CodedError('invalid_request', 'The path must be /changes/<database>/<table>');
  // Who may read any attribute may read the key; the others are left out.
  const key = store.catalog.table(database, name)?.primaryKey;
  const attributes = key === undefined ? [] : [key];
  checkNeeds({ user, store }, [{ database, table: name, rights: ['read'], attributes }]);
  const table = requireTable(store, database, name);
  if (table.local)
    throw new CodedError(
      'invalid_request',
      `Changes of '${database}' are not logged: listen to another table`,
    );
  return { table, attributes: readableAttributes(user, table) };
}
