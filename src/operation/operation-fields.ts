import * as z from 'zod';
import { otherName } from './canonical-body.ts';
import { requestSchema } from './operation-schema.ts';
import type { Operation } from './operation.ts';

/** A field of the body of an operation, as people are told of it. */
export interface OperationField {
  readonly name: string;
  /** The other spelling, which is taken too. */
  readonly otherName: string | undefined;
  readonly type: string;
  readonly isRequired: boolean;
  /** As JSON. */
  readonly standard: string | undefined;
}

interface FieldSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  /** What nothing fits: a field that is known, and refused. */
  readonly not?: object;
  readonly default?: unknown;
  readonly items?: FieldSchema;
  readonly anyOf?: readonly FieldSchema[];
  readonly oneOf?: readonly FieldSchema[];
  readonly $ref?: string;
}

const bodySchema = z.object({
  properties: z.record(z.string(), z.custom<FieldSchema>()),
  required: z.array(z.string()),
});

/** The fields of an operation, as its schema has them. @param quoted how values that are meant literally are shown */
export function operationFields(
  operation: Operation,
  quoted: (value: unknown) => string = String,
): readonly OperationField[] {
  const { properties, required } = bodySchema.parse(requestSchema(operation));
  const fields = Object.entries(properties).filter(([name, { not }]) => name !== 'operation' && !not);
  return fields.map(([name, field]) => {
    const other = otherName(name);
    return {
      name,
      otherName: other === name ? undefined : other,
      type: typeOf(field, quoted),
      isRequired: required.includes(name),
      standard: field.default === undefined ? undefined : JSON.stringify(field.default),
    };
  });
}

function typeOf(field: FieldSchema, quoted: (value: unknown) => string): string {
  if (field.enum !== undefined) return field.enum.map(quoted).join(', ');
  if (field.const !== undefined) return quoted(field.const);
  const options = field.anyOf ?? field.oneOf;
  if (options !== undefined)
    return [...new Set(options.map((option) => typeOf(option, quoted)))].join(' or ');
  if (field.type === 'array') return `array of ${typeOf(field.items ?? {}, quoted)}`;
  if (field.$ref !== undefined) return 'object';
  return [field.type ?? 'any'].flat().join(' or ');
}
