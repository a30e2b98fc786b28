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
  expect(document.components.schemas['get_job']).toMatchObject({
    'x-answer': { $ref: '#/components/schemas/get_job_answer' },
  });
  expect(document.components.schemas['csv_data_load_answer']).toMatchObject({
    properties: { message: { type: 'string' }, job_id: { type: 'string' } },
    required: ['message', 'job_id'],
  });
  expect(Object.keys(document.paths)).toEqual(['/', '/changes/{database}/{table}', '/health']);
  expect(document.paths['/']).toMatchObject({
    post: {
      requestBody: { content: { 'application/json': { schema: { oneOf: { length: operations.length } } } } },
      responses: {
        200: { content: { 'application/json': { schema: { anyOf: { length: operations.length } } } } },
      },
    },
  });
});

test.each([
  ['drop_database', ['database']],
  ['search_by_id', ['table', 'ids']],
  ['read_audit_log', ['database', 'table']],
  ['alter_user', ['username']],
  ['add_role', ['role', 'permission']],
  ['alter_role', ['id', 'permission']],
])('the fields without which %s is refused are told as required', async (operation, fields) => {
  await using t = await openServer();

  const { components } = (await (await fetch(`${t.url}openapi.json`)).json()) as Document;

  expect(new Set(components.schemas[operation]?.required)).toEqual(new Set(['operation', ...fields]));
  const whole: Readonly<Record<string, unknown>> = Object.fromEntries(
    fields.map((field) => [field, field === 'ids' ? [1] : field === 'permission' ? {} : 'x']),
  );
  for (const field of fields)
    expect(JSON.stringify(await t.post({ ...whole, operation, [field]: undefined }))).toMatch(
      /is required|can't be blank/,
    );
});

test('credentials are a name and password, or a token', async () => {
  await using t = await openServer();

  const document: unknown = await (await fetch(`${t.url}openapi.json`)).json();

  expect(document).toMatchObject({
    security: [{ basic: [] }, { bearer: [] }],
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
  });
});

test('every reference of the document leads somewhere, and every operation has an answer', async () => {
  await using t = await openServer();

  const text = await (await fetch(`${t.url}openapi.json`)).text();
  const { components } = JSON.parse(text) as Document;

  const named = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name);
  expect(named.filter((name) => name === undefined || !(name in components.schemas))).toEqual([]);
  for (const { name } of operations) expect(components.schemas).toHaveProperty(`${name}_answer`);
});
