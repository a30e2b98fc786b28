import { z } from 'zod';
import { preferredName } from './canonical-body.ts';
import type { Operation } from './operation.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The body of an operation as JSON Schema 2020-12, with the names of fields that new clients should use. */
export function requestSchema({ name, aliases, request }: Operation): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(request, { io: 'input', unrepresentable: 'any' });
  const properties = Object.entries(schema.properties ?? {}).map(([field, one]) => [
    preferredName(field),
    one,
  ]);
  return {
    // References within the schema are relative to this.
    $id: name,
    ...schema,
    type: 'object',
    properties: { operation: { enum: [name, ...aliases] }, ...Object.fromEntries(properties) },
    required: ['operation', ...(schema.required ?? []).map(preferredName)],
  };
}
