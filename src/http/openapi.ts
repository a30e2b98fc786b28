import type { Request, RequestHandler, Response } from 'express';
import { answerName, requestSchema, responseSchema, type JsonSchema } from '../operation/operation-schema.ts';
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

function openApiDocument(version: string): JsonSchema {
  const names = operations.map(({ name }) => name);
  const requests = operations.map((operation): [string, JsonSchema] => [
    operation.name,
    // All requests go to one path, so this tells which answer belongs to which.
    { ...requestSchema(operation), 'x-answer': reference(answerName(operation.name)) },
  ]);
  const answers = operations.map((operation): [string, JsonSchema] => [
    answerName(operation.name),
    responseSchema(operation),
  ]);
  return {
    openapi: '3.1.0',
    info: { title: 'LyreDB operations API', version },
    security: [{ basic: [] }, { bearer: [] }],
    paths: {
      '/': {
        post: {
          summary: 'Runs one operation, which the body names',
          requestBody: {
            required: true,
            content: inAll({ oneOf: names.map(reference) }),
          },
          responses: {
            '200': {
              description: 'The answer of the operation',
              content: { ...inAll({ anyOf: names.map(answerName).map(reference) }), 'text/csv': {} },
            },
            default: { description: 'A refusal', content: inAll(reference('Error')) },
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
          responses: {
            '200': { description: 'It does' },
            '503': { description: 'No longer; before it does, connections are refused' },
          },
        },
      },
    },
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      },
      schemas: {
        Error: { type: 'object', properties: { error: { type: 'string' } }, required: ['error'] },
        ...Object.fromEntries([...requests, ...answers]),
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

function reference(schema: string): JsonSchema {
  return { $ref: `#/components/schemas/${schema}` };
}

function pathParameter(name: string): JsonSchema {
  return { name, in: 'path', required: true, schema: { type: 'string' } };
}

function inAll(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(contentTypes.map((type) => [type, { schema }]));
}
