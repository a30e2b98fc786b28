import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { FileAnswer } from '../operation/file-answer.ts';
import { cutWhenStalled } from './cut-when-stalled.ts';

/** Streams a file as the response, and closes it. A client that goes away ends it, which is no error. */
export async function sendFile(
  response: ServerResponse,
  { file, name, bytes }: FileAnswer,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': bytes,
    'content-disposition': `attachment; filename="${name}"`,
    ...headers,
  });
  cutWhenStalled(response);
  try {
    await pipeline(file.createReadStream({ end: bytes - 1 }), response);
  } catch {
    response.destroy();
  } finally {
    await file.close().catch(() => {});
  }
}
