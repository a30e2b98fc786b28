import * as z from 'zod';
import { preferredName } from './canonical-body.ts';
import type { Operation } from './operation.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The body of an operation as JSON Schema 2020-12, with the names of fields that new clients should use. */
export function requestSchema({ name, aliases, request }: Operation): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(request, { io: 'input', unrepresentable: 'any' });
  const required = new Set(schema.required);
  const properties = Object.entries(schema.properties ?? {}).map(([field, property]) => {
    // Of `refusedWithout`; it is no word of JSON Schema.
    const { isRequired = false, ...one } = typeof property === 'object' ? property : {};
    if (isRequired === true) required.add(field);
    return [preferredName(field), one];
  });
  return {
    // References within the schema are relative to this.
    $id: name,
    ...schema,
    type: 'object',
    properties: { operation: { enum: [name, ...aliases] }, ...Object.fromEntries(properties) },
    required: ['operation', ...[...required].map(preferredName)],
  };
}

/** What an operation answers as JSON Schema 2020-12. */
export function responseSchema({ name, response }: Operation): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(response, { io: 'output', unrepresentable: 'any' });
  return { $id: answerName(name), ...schema };
}

/** What the answer of an operation is called where its request has the name of the operation. */
export function answerName(operation: string): string {
  return `${operation}_answer`;
}
