import type { RequestListener, ServerResponse } from 'node:http';
import express, { type NextFunction, type Request, type Response } from 'express';
import type { OperationServices } from '../operation/operation.ts';
import { cors, type CorsPolicy } from './cors.ts';
import { changesRoute, type ChangesRouteOptions } from './changes/changes-route.ts';
import { errorResponse } from './error-response.ts';
import { healthRoute, type Health } from './health.ts';
import { openApiRoute } from './openapi.ts';
import { operationsRoute, type OperationsRouteOptions } from './operations-route.ts';
import { sendJson } from './send-json.ts';

export interface ApplicationOptions
  extends Omit<OperationsRouteOptions, 'listedOrigins'>, ChangesRouteOptions {
  readonly services: OperationServices;
  readonly health: () => Health;
  readonly cors: CorsPolicy;
}

const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>LyreDB</title>
<h1>LyreDB is running</h1>
<p>Operations are sent here with <code>POST /</code>; see <a href="/health">/health</a>.</p>
</html>
`;

/** The routes of the operations port. Operations skip the stack of the router, which would cost a small one as much as its commit. */
export function createApplication(options: ApplicationOptions): RequestListener {
  const allow = cors(options.cors);
  const { enabled, accessList } = options.cors;
  const runOperation = operationsRoute({ ...options, listedOrigins: new Set(enabled ? accessList : []) });
  const fail = (error: unknown, response: ServerResponse): void => {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { status, body } = errorResponse(error, options.log);
    sendJson(response, status, body);
  };
  const application = express();
  application.disable('x-powered-by');
  application.disable('etag');
  application.use(allow);
  application.get('/changes/:database/:table', changesRoute(options));
  application.get('/openapi.json', openApiRoute(options.services.version));
  application.get('/health', healthRoute(options.health));
  application.get('/', (_request, response) => {
    response.type('html').send(page);
  });
  application.use((_request: Request, response: Response) => {
    sendJson(response, 404, { error: 'Not found' });
  });
  // Express knows an error handler by its four parameters.
  application.use((error: unknown, _request: Request, response: Response, _next: NextFunction) =>
    fail(error, response),
  );
  return (incoming, outgoing) => {
    if (incoming.method !== 'POST' || !isRoot(incoming.url)) {
      application(incoming, outgoing);
      return;
    }
    allow(incoming, outgoing, () => {
      runOperation(incoming, outgoing).catch((error: unknown) => fail(error, outgoing));
    });
  };
}

function isRoot(url: string | undefined): boolean {
  return url === '/' || url?.startsWith('/?') === true;
}
