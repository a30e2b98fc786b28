// A JSON Schema as a reader of documentation likes it: `{ message: string, job_id: string }`.

export interface ShapeSchema {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, ShapeSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: ShapeSchema | boolean;
  readonly items?: ShapeSchema;
  readonly anyOf?: readonly ShapeSchema[];
  readonly oneOf?: readonly ShapeSchema[];
  /** What it is made of again: itself, at some depth. */
  readonly $ref?: string;
}

const maxLineLength = 100;

/** In one line where that is short, else with a line for each field. */
export function schemaText(schema: ShapeSchema, indent = ''): string {
  const short = textOf(schema, '', ' ', ' ');
  if (!short.includes('\n') && indent.length + short.length <= maxLineLength) return short;
  return textOf(schema, indent, `\n${indent}  `, `\n${indent}`);
}

/** `before` each field of an object, and `after` the last. */
function textOf(schema: ShapeSchema, indent: string, before: string, after: string): string {
  const { type, properties, items, anyOf = schema.oneOf, additionalProperties: others } = schema;
  const field = (name: string, value: ShapeSchema): string =>
    `${before}${name}: ${schemaText(value, `${indent}  `)}`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.$ref !== undefined) return 'the same';
  if (anyOf !== undefined) {
    const options = anyOf.map((option) => schemaText(option, indent));
    const isShort = options.join(' | ').length + indent.length <= maxLineLength;
    return options.join(isShort ? ' | ' : `\n${indent}| `);
  }
  if (type === 'array') {
    const element = schemaText(items ?? {}, indent);
    const isUnion = (items?.anyOf ?? items?.oneOf ?? items?.enum) !== undefined || Array.isArray(items?.type);
    return isUnion ? `(${element})[]` : `${element}[]`;
  }
  if (properties !== undefined) {
    const fields = Object.entries(properties).map(([name, value]) =>
      field(schema.required?.includes(name) === true ? name : `${name}?`, value),
    );
    return `{${fields.join(',')}${after}}`;
  }
  if (type === 'object') return `{${field('<name>', typeof others === 'object' ? others : {})}${after}}`;
  if (schema.format === 'binary') return 'a file';
  return [type ?? 'any'].flat().join(' | ');
}
