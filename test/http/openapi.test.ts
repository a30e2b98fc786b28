import { expect, test } from 'vitest';
import { operations } from '../../src/operation/registry.ts';
import { openServer } from './open-server.ts';

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, unknown>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly required: readonly string[] }>>;
  };
}

test('the OpenAPI document has every operation, with its fields', async () => {
  await using t = await openServer();

  const response = await fetch(`${t.url}openapi.json`);
  const document = (await response.json()) as Document;

  expect([response.status, document.openapi]).toEqual([200, '3.1.0']);
  for (const { name } of operations) expect(document.components.schemas).toHaveProperty(name);
  expect(document.components.schemas['delete']).toMatchObject({
    required: ['operation', 'table', 'ids'],
    properties: { operation: { enum: ['delete'] }, database: { default: 'data' }, ids: { type: 'array' } },
  });
  expect(Object.keys(document.paths)).toEqual(['/', '/changes/{database}/{table}', '/health']);
  expect(document.paths['/']).toHaveProperty(
    'post.requestBody.content.application/json.schema.oneOf.length',
    operations.length,
  );
});
