import { CodedError } from '../model/errors.ts';
import type { Right } from './grants.ts';

/** Rights that are missing on a table or on attributes of it; clients match on this shape. */
export interface UnauthorizedTable {
  readonly schema: string;
  readonly table: string;
  readonly required_table_permissions: readonly Right[];
  readonly required_attribute_permissions: readonly {
    readonly attribute_name: string;
    readonly required_permissions: readonly Right[];
  }[];
}

/** A refusal with the lists that clients match on. */
export class ForbiddenError extends CodedError {
  override readonly name = 'ForbiddenError';
  readonly unauthorizedAccess: readonly (string | UnauthorizedTable)[];
  readonly invalidSchemaItems: readonly string[];

  constructor(lists: {
    unauthorizedAccess?: readonly (string | UnauthorizedTable)[];
    invalidSchemaItems?: readonly string[];
  }) {
    super(
      'forbidden',
      'This operation is not authorized due to role restrictions and/or invalid database items',
    );
    this.unauthorizedAccess = lists.unauthorizedAccess ?? [];
    this.invalidSchemaItems = lists.invalidSchemaItems ?? [];
  }

  /** What a refused request is answered with. */
  get body(): Readonly<Record<string, unknown>> {
    return {
      error: this.message,
      unauthorized_access: this.unauthorizedAccess,
      invalid_schema_items: this.invalidSchemaItems,
    };
  }
}

interface Place {
  readonly database: string;
  readonly table: string;
}

interface Missing extends Place {
  readonly onTable: Set<Right>;
  readonly onAttributes: Map<string, Set<Right>>;
}

/** Gathers all that one request may not do, so that the answer tells it at once. */
export class Refusals {
  readonly #tables = new Map<string, Missing>();
  readonly #masked = new Set<string>();

  /** @throws ForbiddenError */
  static refuseWith(text: string): never {
    throw new ForbiddenError({ unauthorizedAccess: [text] });
  }

  /** @throws ForbiddenError */
  static refuseOperation(refusalName: string): never {
    Refusals.refuseWith(`Operation '${refusalName}' is restricted to 'super_user' roles`);
  }

  /** @throws ForbiddenError */
  static mask(text: string): never {
    throw new ForbiddenError({ invalidSchemaItems: [text] });
  }

  addTable(place: Place, missing: readonly Right[]): void {
    const { onTable } = this.#missing(place);
    for (const right of missing) onTable.add(right);
  }

  addAttribute(place: Place, name: string, missing: readonly Right[]): void {
    const { onAttributes } = this.#missing(place);
    onAttributes.set(name, new Set([...(onAttributes.get(name) ?? []), ...missing]));
  }

  /** What is told not to exist; nothing more is told of a table once it is listed as unauthorized. */
  addMasked(place: Place, text: string): void {
    if (!this.#tables.has(keyOf(place))) this.#masked.add(text);
  }

  /** @throws ForbiddenError */
  throwIfAny(): void {
    if (this.#tables.size === 0 && this.#masked.size === 0) return;
    throw new ForbiddenError({
      unauthorizedAccess: [...this.#tables.values()].map(shown),
      invalidSchemaItems: [...this.#masked],
    });
  }

  #missing(place: Place): Missing {
    const key = keyOf(place);
    let missing = this.#tables.get(key);
    if (missing === undefined) {
      const { database, table } = place;
      missing = { database, table, onTable: new Set(), onAttributes: new Map() };
      this.#tables.set(key, missing);
    }
    return missing;
  }
}

function shown({ database, table, onTable, onAttributes }: Missing): UnauthorizedTable {
  return {
    schema: database,
    table,
    required_table_permissions: [...onTable],
    required_attribute_permissions: [...onAttributes].map(([name, missing]) => ({
      attribute_name: name,
      required_permissions: [...missing],
    })),
  };
}

/** Names hold no slash. */
function keyOf({ database, table }: Place): string {
  return `${database}/${table}`;
}
