import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Request, type Response } from 'express';

// Express's own, on plain requests and responses: to make them its own costs more than to answer a small one.
const { request: requests, response: responses } = express;

/** The one of these media types that the client likes best. */
export function acceptedType(request: IncomingMessage, types: string[]): string | undefined {
  return requests.accepts.call(request as Request, ...types) || undefined;
}

/** The one of these encodings that the client likes best. */
export function acceptedEncoding(request: IncomingMessage, encodings: string[]): string | undefined {
  return requests.acceptsEncodings.call(request as Request, ...encodings) || undefined;
}

/** Tells caches which headers of the request the answer depends on. */
export function addVary(response: ServerResponse, headers: string): void {
  response.setHeader('vary', varyWith(response, headers));
}

/** What the answer depends on with these headers too, for whoever sends all headers at once, which costs less. */
export function varyWith(response: ServerResponse, headers: string): string {
  if (!response.hasHeader('vary')) return headers;
  responses.vary.call(response as Response, headers);
  return String(response.getHeader('vary'));
}
