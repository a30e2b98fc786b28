import { CodedError } from '../../model/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import { bugText } from '../bug-text.ts';
import { ForbiddenError, type UnauthorizedTable } from '../refusals.ts';
import { shortText } from './short-text.ts';

const maxTextLength = 2_000;
const maxItems = 20;
const maxItemLength = 300;

/**
 * What the row of a failed job says: the text of the error, or of a refusal the body that a request gets. At most a few
 * KiB: a file may hold texts and columns of any length and number, and they are kept as long as the row.
 */
export function failureMessage(error: unknown, log: Logger): unknown {
  if (error instanceof ForbiddenError)
    return new ForbiddenError({
      unauthorizedAccess: shortList(error.unauthorizedAccess.map(shortAccess), String),
      invalidSchemaItems: shortList(
        error.invalidSchemaItems.map((item) => shortText(item, maxItemLength)),
        String,
      ),
    }).body;
  if (error instanceof CodedError) return shortText(error.message, maxTextLength);
  log.error({ err: error }, 'job failed');
  return bugText;
}

function shortAccess(access: string | UnauthorizedTable): string | UnauthorizedTable {
  if (typeof access === 'string') return shortText(access, maxItemLength);
  return {
    ...access,
    required_attribute_permissions: shortList(
      access.required_attribute_permissions.map(({ attribute_name: name, ...rest }) => ({
        attribute_name: shortText(name, maxItemLength),
        ...rest,
      })),
      (more) => ({ attribute_name: more, required_permissions: [] }),
    ),
  };
}

function shortList<T>(items: readonly T[], tell: (more: string) => T): readonly T[] {
  const more = items.length - maxItems;
  return more <= 0 ? items : [...items.slice(0, maxItems), tell(`and ${more} more`)];
}
