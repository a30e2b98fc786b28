import type { Request, RequestHandler, Response } from 'express';
import { requestSchema, type JsonSchema } from '../operation/operation-schema.ts';
import { operations } from '../operation/registry.ts';
import { sendJson } from './send-json.ts';

const contentTypes = ['application/json', 'application/x-msgpack', 'application/cbor'];

/** `GET /openapi.json`: the operations as an OpenAPI 3.1 document. It tells what the software can do, and no data. */
export function openApiRoute(version: string): RequestHandler {
  let document: JsonSchema | undefined;
  return (_request: Request, response: Response) => {
    document ??= openApiDocument(version);
    sendJson(response, 200, document);
  };
}

export function openApiDocument(version: string): JsonSchema {
  const named = operations.map((operation) => [operation.name, requestSchema(operation)] as const);
  return {
    openapi: '3.1.0',
    info: { title: 'LyreDB operations API', version },
    security: [{ basic: [] }],
    paths: {
      '/': {
        post: {
          summary: 'Runs one operation, which the body names',
          requestBody: {
            required: true,
            content: inAll({ oneOf: named.map(([name]) => ({ $ref: `#/components/schemas/${name}` })) }),
          },
          responses: {
            '200': { description: 'The result', content: { ...inAll({}), 'text/csv': {} } },
            default: { description: 'A refusal', content: inAll({ $ref: '#/components/schemas/Error' }) },
          },
        },
      },
      '/changes/{database}/{table}': {
        get: {
          summary: 'What is committed to a table, as Server-Sent Events',
          parameters: [pathParameter('database'), pathParameter('table'), lastEventId],
          responses: { '200': { description: 'Events without end', content: { 'text/event-stream': {} } } },
        },
      },
      '/health': {
        get: {
          summary: 'Whether the node serves',
          security: [],
          responses: { '200': { description: 'It does' }, '503': { description: 'Not yet, or no longer' } },
        },
      },
    },
    components: {
      securitySchemes: { basic: { type: 'http', scheme: 'basic' } },
      schemas: {
        Error: { type: 'object', properties: { error: { type: 'string' } }, required: ['error'] },
        ...Object.fromEntries(named),
      },
    },
  };
}

const lastEventId = {
  name: 'Last-Event-ID',
  in: 'header',
  description: 'Go on after this event',
  schema: { type: 'string' },
};

function pathParameter(name: string): JsonSchema {
  return { name, in: 'path', required: true, schema: { type: 'string' } };
}

function inAll(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(contentTypes.map((type) => [type, { schema }]));
}
