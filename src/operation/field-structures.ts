import { requestSchema } from './operation-schema.ts';
import type { Operation } from './operation.ts';
import { schemaText, type ShapeSchema } from './schema-text.ts';

interface RequestShape {
  readonly properties: Readonly<Record<string, ShapeSchema>>;
  readonly $defs?: Readonly<Record<string, ShapeSchema>>;
}

/** What the fields of an operation that are objects, or lists of them, are made of: `name: { ... }` for each. */
export function fieldStructures(operation: Operation): readonly string[] {
  const schemas: Partial<RequestShape> = requestSchema(operation);
  const { properties = {}, $defs = {} } = schemas;
  return Object.entries(properties).flatMap(([name, field]) => {
    const schema = $defs[field.$ref?.split('/').at(-1) ?? ''] ?? field;
    const parts = [schema, schema.items ?? {}, ...(schema.anyOf ?? [])];
    const isStructured = parts.some((part) => part.properties ?? part.anyOf ?? part.oneOf);
    return isStructured && schemaText(schema).includes('{') ? [`${name}: ${schemaText(schema)}`] : [];
  });
}
