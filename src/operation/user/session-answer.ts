import type { Session } from './sessions.ts';

/** An answer after which the browser has this session, or none. */
export class SessionAnswer {
  readonly message: string;
  readonly session: Session | undefined;

  constructor(message: string, session: Session | undefined) {
    this.message = message;
    this.session = session;
  }
}
