import type { Request, RequestHandler, Response } from 'express';
import { sendJson } from './send-json.ts';

/** What `GET /health` tells; `ok` says that the store is open and requests are taken. */
export interface Health {
  readonly status: 'ok' | 'stopping';
  readonly bridge: string;
  readonly nats: string;
}

/** 200 only when the node serves; replication being down does not make it unhealthy, it is told beside. */
export function healthRoute(health: () => Health): RequestHandler {
  return (_request: Request, response: Response) => {
    const told = health();
    sendJson(response, told.status === 'ok' ? 200 : 503, told);
  };
}
