import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { OperationServices } from '../operation/operation.ts';
import { cors, type CorsPolicy } from './cors.ts';
import { changesRoute, type ChangesRouteOptions } from './changes/changes-route.ts';
import { errorResponse } from './error-response.ts';
import { healthRoute, type Health } from './health.ts';
import { openApiRoute } from './openapi.ts';
import { operationsRoute, type OperationsRouteOptions } from './operations-route.ts';
import { sendJson } from './send-json.ts';

export interface ApplicationOptions extends OperationsRouteOptions, ChangesRouteOptions {
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

/** The routes of the operations port. */
export function createApplication(options: ApplicationOptions): Express {
  const application = express();
  application.disable('x-powered-by');
  application.disable('etag');
  application.use(cors(options.cors));
  application.post('/', operationsRoute(options));
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
  application.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { status, body } = errorResponse(error, options.log);
    sendJson(response, status, body);
  });
  return application;
}
