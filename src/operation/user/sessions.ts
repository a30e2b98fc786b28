import { createHash, randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { Store } from '../../store/store.ts';
import { findSystemTable, openSystemTable } from '../system-table.ts';
import { findProved, findUser, type Holder, type User } from './user.ts';

/** A session as its browser has it. */
export interface Session {
  /** Who has it is the user. */
  readonly secret: string;
  readonly timeoutMs: number;
}

export interface SessionsOptions {
  readonly store: Store;
  readonly timeoutMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const sessionsTable = 'hdb_session';

/** A user who begins another one loses the one that ends first. */
const maxSessionsOfUser = 20;

const sessionRow = z.object({
  id: z.string(),
  username: z.string(),
  credential: z.string(),
  expires: z.number(),
});

type SessionRow = z.infer<typeof sessionRow>;

/**
 * Who has logged in with a browser: rows of `system.hdb_session`, a table that is made with the first session.
 *
 * A row holds a hash of the secret, so reading the table gives nobody a session. All sessions of a user end with a
 * new password, and the user row is read at every request, so a removed or inactive user is refused at once.
 */
export class Sessions {
  readonly #options: SessionsOptions;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /**
   * For a stored user who has just proved who they are; undefined when the user was removed meanwhile, or has another
   * password.
   */
  async begin(user: Pick<User, 'username' | 'credential'>): Promise<Session | undefined> {
    const { store, timeoutMs, now } = this.#options;
    const { username, credential } = findProved(store, user)?.user ?? {};
    if (username === undefined || credential === undefined) return undefined;
    await openSystemTable(store, sessionsTable);
    await this.#removeOld(username);
    const secret = randomBytes(32).toString('base64url');
    const id = idOf(secret);
    const row: SessionRow = { id, username, credential, expires: now() + timeoutMs };
    await store.replaceSystemDocument(sessionsTable, id, row);
    return { secret, timeoutMs };
  }

  /** Whose session this is, if it is one. */
  holderOf(secret: string): Holder | undefined {
    const { store, now } = this.#options;
    const table = findSystemTable(store, sessionsTable);
    const row = table && sessionRow.safeParse(store.get(table, idOf(secret)));
    if (row?.success !== true || row.data.expires <= now()) return undefined;
    const stored = findUser(store, row.data.username);
    const isCurrent = stored?.user.active === true && stored.user.credential === row.data.credential;
    return isCurrent ? { user: stored.user, endsAtMs: row.data.expires } : undefined;
  }

  async end(secret: string): Promise<void> {
    const { store } = this.#options;
    const table = findSystemTable(store, sessionsTable);
    const id = idOf(secret);
    if (table && store.get(table, id)) await store.replaceSystemDocument(sessionsTable, id, null);
  }

  /** What is over, and what one more session of the user would be too many. */
  async #removeOld(username: string): Promise<void> {
    const { store, now } = this.#options;
    const rows = this.#rows();
    const over = rows.filter(({ expires }) => expires <= now());
    const own = rows.filter((row) => row.username === username && !over.includes(row));
    own.sort((a, b) => b.expires - a.expires);
    for (const { id } of [...over, ...own.slice(maxSessionsOfUser - 1)])
      await store.replaceSystemDocument(sessionsTable, id, null);
  }

  #rows(): readonly SessionRow[] {
    const { store } = this.#options;
    const table = findSystemTable(store, sessionsTable);
    if (table === undefined) return [];
    return Array.from(store.search(table, {}), (document) => sessionRow.parse(document));
  }
}

function idOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
