import type * as z from 'zod';
import { CodedError } from '../model/errors.ts';
import type { ReplicationControl } from '../model/replication-control.ts';
import type { Store } from '../store/store.ts';
import { canonicalBody } from './canonical-body.ts';
import type { Jobs } from './job/jobs.ts';
import { checkOperation, checkRequest, type Asked, type Permission } from './permission.ts';
import type { NodeControl } from './system/node-control.ts';
import type { Logins } from './user/logins.ts';
import type { Sessions } from './user/sessions.ts';
import type { Tokens } from './user/tokens.ts';
import type { User } from './user/user.ts';
import { validationMessage } from './validation-message.ts';

/** How users prove who they are. */
export interface Authentication {
  readonly logins: Logins;
  readonly tokens: Tokens;
  /** Undefined when sessions are switched off. */
  readonly sessions: Sessions | undefined;
}

/** What every operation may use, whoever asks. */
export interface OperationServices {
  readonly store: Store;
  /** Undefined when clustering is switched off. */
  readonly replication: ReplicationControl | undefined;
  readonly authentication: Authentication;
  /** Version of this software, as `registration_info` tells it. */
  readonly version: string;
  /** Undefined where operations run without a node around them. */
  readonly node?: NodeControl | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly jobs: Jobs;
  readonly bulk: BulkSettings;
}

/** What loads, exports and backups may touch. */
export interface BulkSettings {
  readonly importDirectories: readonly string[];
  readonly exportDirectories: readonly string[];
  /** For files that live as long as one request. */
  readonly scratchDirectory: string;
  /** Whether csv_url_load may connect to addresses that are not public. */
  readonly allowPrivateUrls: boolean;
}

/** One request: the services and who asks. */
export interface OperationContext extends OperationServices {
  readonly user: User;
  /** When the token or session is over that the request came with, in milliseconds since 1970; undefined with a password. */
  readonly endsAtMs?: number | undefined;
  /** Where the request comes from. */
  readonly address?: string;
  /** Sent in place of an operation token; not verified. */
  readonly refreshToken?: string | undefined;
  /** What may have a session; undefined when the request comes from elsewhere. */
  readonly browser?: Browser | undefined;
}

/** A page of this node. */
export interface Browser {
  /** Of the session that it says it has; not verified. */
  readonly secret: string | undefined;
}

/** An operation as its file writes it. */
export interface OperationDefinition<Request> {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** The name that a refusal tells; clients match on it. Default: `name`. */
  readonly refusalName?: string;
  readonly permission: Permission<Request>;
  /** Reads the body after aliases of fields were made one (`canonicalBody`). */
  readonly request: z.ZodType<Request>;
  /** What {@link request} makes of a body as nearly all of them are, at a fraction of its cost; undefined for others. */
  readonly readUsual?: (body: Readonly<Record<string, unknown>>) => Request | undefined;
  /** What is answered: for documents and tests, not checked while a node runs. */
  readonly response: z.ZodType;
  /** A string is answered as `{message}`, anything else as it is. */
  run(context: OperationContext, request: Request): unknown;
}

/** An operation of the API, its request type hidden behind `execute`. */
export interface Operation {
  readonly name: string;
  readonly aliases: readonly string[];
  /** Who may run it; `rights` when that depends on what the request names. */
  readonly permission: Exclude<Permission, (request: never) => unknown> | 'rights';
  readonly request: z.ZodType;
  readonly response: z.ZodType;
  /**
   * Checks who may run it, reads the body, checks what it names, then runs.
   *
   * @throws CodedError `forbidden`, `invalid_request` and whatever the operation throws
   */
  execute(context: OperationContext, body: Readonly<Record<string, unknown>>): Promise<unknown>;
}

/** Turns a definition into an operation of the registry. */
export function defineOperation<Request>(definition: OperationDefinition<Request>): Operation {
  const { name, aliases = [], permission, request, readUsual, response, refusalName = name } = definition;
  return {
    name,
    aliases,
    permission: typeof permission === 'function' ? 'rights' : permission,
    request,
    response,
    async execute(context, body) {
      const canonical = canonicalBody(body);
      const asked: Asked = { user: context.user, store: context.store, refusalName, body: canonical };
      checkOperation(permission, asked);
      const parsed = readUsual?.(canonical) ?? parseRequest(request, canonical);
      checkRequest(permission, parsed, asked);
      return await definition.run(context, parsed);
    },
  };
}

function parseRequest<Request>(schema: z.ZodType<Request>, body: Readonly<Record<string, unknown>>): Request {
  let parsed: z.ZodSafeParseResult<Request>;
  try {
    parsed = schema.safeParse(body, { reportInput: true });
  } catch (cause) {
    // zod compares the `length` of what should be a text or a list, whatever that is, and some things do not compare.
    if (!(cause instanceof TypeError)) throw cause;
    throw new CodedError('invalid_request', 'A field has a value of the wrong type', { cause });
  }
  if (!parsed.success) throw new CodedError('invalid_request', validationMessage(parsed.error));
  return parsed.data;
}
