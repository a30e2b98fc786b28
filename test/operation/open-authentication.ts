import { generateKeyPairSync } from 'node:crypto';
import { pino } from 'pino';
import type { Authentication } from '../../src/operation/operation.ts';
import { Logins } from '../../src/operation/user/logins.ts';
import { Sessions } from '../../src/operation/user/sessions.ts';
import type { TokenKeyPair, TokenKeys } from '../../src/operation/user/token-keys.ts';
import { Tokens } from '../../src/operation/user/tokens.ts';
import type { Store } from '../../src/store/store.ts';

/** One pair for all tests of a process that have tokens: making it is slow. */
let pair: TokenKeyPair | undefined;

const keys: TokenKeys = {
  get known(): TokenKeyPair | undefined {
    return pair;
  },
  async provide(): Promise<TokenKeyPair> {
    return (pair ??= makePair());
  },
};

export interface TestAuthentication extends Authentication {
  readonly keys: TokenKeys;
}

/** What the api process makes, with a key of the tests. */
export function openAuthentication(
  store: Store,
  {
    now = Date.now,
    log = pino({ enabled: false }),
    steadyMs = () => performance.now(),
  }: { now?: () => number; log?: pino.Logger; steadyMs?: () => number } = {},
): TestAuthentication {
  return {
    keys,
    logins: new Logins({ store, steadyMs, log }),
    tokens: new Tokens({
      store,
      keys,
      operationTokenTimeoutMs: 86_400_000,
      refreshTokenTimeoutMs: 30 * 86_400_000,
      now,
    }),
    sessions: new Sessions({ store, timeoutMs: 86_400_000, now }),
  };
}

export function makePair(): TokenKeyPair {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}
