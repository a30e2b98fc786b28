import fc from 'fast-check';
import type { JsonSchema } from '../../../src/operation/operation-schema.ts';

export interface ArbitraryOptions {
  /** What a field of this name is usually filled with, for one that its schema tells little of. */
  readonly hints: Readonly<Record<string, fc.Arbitrary<unknown>>>;
}

/** How deep references of a schema to itself are followed. */
const maxDepth = 3;

/** Values that fit a JSON Schema, of the kind that zod makes of a request. */
export function arbitraryOf(root: JsonSchema, options: ArbitraryOptions): fc.Arbitrary<unknown> {
  return new SchemaReader(root, options).read(root, 0);
}

class SchemaReader {
  readonly #root: JsonSchema;
  readonly #hints: ArbitraryOptions['hints'];

  constructor(root: JsonSchema, { hints }: ArbitraryOptions) {
    this.#root = root;
    this.#hints = hints;
  }

  read(schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
    const { type, $ref } = schema;
    if (typeof $ref === 'string') return this.read(this.#referenced($ref), depth + 1);
    if (Array.isArray(schema['enum'])) return fc.constantFrom<unknown>(...(schema['enum'] as unknown[]));
    if ('const' in schema) return fc.constant(schema['const']);
    const options = schema['anyOf'] ?? schema['oneOf'];
    if (Array.isArray(options))
      return fc.oneof(...(options as JsonSchema[]).map((option) => this.read(option, depth)));
    if (Array.isArray(type))
      return fc.oneof(...type.map((one: unknown) => this.read({ ...schema, type: one }, depth)));
    switch (type) {
      case 'string':
        return textOf(schema);
      case 'integer':
      case 'number':
        return numberOf(schema);
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'array':
        return fc.array(this.read(asSchema(schema['items']), depth + 1), {
          minLength: numberIn(schema, 'minItems') ?? 0,
          maxLength: 3,
        });
      case 'object':
        return this.#object(schema, depth);
      default:
        return fc.jsonValue({ maxDepth: 2 });
    }
  }

  #object(schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
    const required = new Set<unknown>(Array.isArray(schema['required']) ? schema['required'] : []);
    const properties = Object.entries(asSchema(schema['properties']))
      // What refers to itself must end somewhere.
      .filter(([name]) => depth < maxDepth || required.has(name))
      .map(([name, property]) => [name, this.#property(name, asSchema(property), depth)] as const);
    if (properties.length === 0)
      return fc.dictionary(
        fc.string({ maxLength: 8 }),
        this.read(asSchema(schema['additionalProperties']), depth + 1),
        { maxKeys: 3, noNullPrototype: true },
      );
    return fc.record(Object.fromEntries(properties), {
      requiredKeys: properties.map(([name]) => name).filter((name) => required.has(name)),
      noNullPrototype: true,
    });
  }

  #property(name: string, schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
    const plain = this.read(schema, depth + 1);
    const hint = schema['enum'] === undefined ? this.#hints[name] : undefined;
    if (hint === undefined) return plain;
    return fc.oneof({ weight: 12, arbitrary: hint }, { weight: 1, arbitrary: plain });
  }

  #referenced(reference: string): JsonSchema {
    let schema: unknown = this.#root;
    for (const part of reference.split('/').slice(1)) schema = asSchema(schema)[part];
    return asSchema(schema);
  }
}

function textOf(schema: JsonSchema): fc.Arbitrary<string> {
  if (typeof schema['pattern'] === 'string') return fc.stringMatching(new RegExp(schema['pattern']));
  const minLength = numberIn(schema, 'minLength') ?? 0;
  return fc.string({ minLength, maxLength: Math.max(minLength, 16) });
}

function numberOf(schema: JsonSchema): fc.Arbitrary<number> {
  const exclusive = numberIn(schema, 'exclusiveMinimum');
  const min = exclusive === undefined ? (numberIn(schema, 'minimum') ?? -1_000) : exclusive + 1;
  const max = numberIn(schema, 'maximum') ?? 2 ** 53;
  const small = fc.integer({ min, max: Math.max(min, Math.min(max, 1_000)) });
  return fc.oneof(
    { weight: 5, arbitrary: small },
    { weight: 1, arbitrary: fc.constantFrom(min, Math.min(max, Number.MAX_SAFE_INTEGER)) },
  );
}

function numberIn(schema: JsonSchema, name: string): number | undefined {
  const value = schema[name];
  return typeof value === 'number' ? value : undefined;
}

function asSchema(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null ? (value as JsonSchema) : {};
}
