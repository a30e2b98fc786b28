import type { z } from 'zod';
import { CodedError } from '../model/errors.ts';
import type { ReplicationControl } from '../model/replication-control.ts';
import type { Store } from '../store/store.ts';
import { canonicalBody } from './canonical-body.ts';
import { checkPermission, type Permission } from './permission.ts';
import type { NodeControl } from './system/node-control.ts';
import type { User } from './user/user.ts';
import { validationMessage } from './validation-message.ts';

/** What every operation may use, whoever asks. */
export interface OperationServices {
  readonly store: Store;
  /** Undefined when clustering is switched off. */
  readonly replication: ReplicationControl | undefined;
  /** Version of this software, as `registration_info` tells it. */
  readonly version: string;
  /** Undefined where operations run without a node around them. */
  readonly node?: NodeControl;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** One request: the services and who asks. */
export interface OperationContext extends OperationServices {
  readonly user: User;
}

/** An operation as its file writes it. */
export interface OperationDefinition<Request> {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** The name that a refusal tells; clients match on it. Default: `name`. */
  readonly refusalName?: string;
  readonly permission: Permission;
  /** Reads the body after aliases of fields were made one (`canonicalBody`). */
  readonly request: z.ZodType<Request>;
  /** A string is answered as `{message}`, anything else as it is. */
  run(context: OperationContext, request: Request): unknown;
}

/** An operation of the API, its request type hidden behind `execute`. */
export interface Operation {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly permission: Permission;
  readonly request: z.ZodType;
  /**
   * Checks the permission, then the body, then runs.
   *
   * @throws CodedError `forbidden`, `invalid_request` and whatever the operation throws
   */
  execute(context: OperationContext, body: Readonly<Record<string, unknown>>): Promise<unknown>;
}

/** Turns a definition into an operation of the registry. */
export function defineOperation<Request>(definition: OperationDefinition<Request>): Operation {
  const { name, aliases = [], permission, request, refusalName = name } = definition;
  return {
    name,
    aliases,
    permission,
    request,
    async execute(context, body) {
      const canonical = canonicalBody(body);
      checkPermission({ user: context.user, permission, refusalName, body: canonical });
      const parsed = request.safeParse(canonical, { reportInput: true });
      if (!parsed.success) throw new CodedError('invalid_request', validationMessage(parsed.error));
      return await definition.run(context, parsed.data);
    },
  };
}
