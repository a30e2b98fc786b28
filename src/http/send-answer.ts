import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib';
import { CodedError } from '../model/errors.ts';
import { Rows } from '../operation/rows.ts';
import type { Logger } from '../runtime/logger.ts';
import type { RareLines } from '../runtime/rare-lines.ts';
import { inTurns } from '../runtime/pauses.ts';
import { formatOf, type AnswerFormat, type RowFormat } from './answer-format.ts';
import { cutWhenStalled } from './cut-when-stalled.ts';
import { acceptedEncoding, varyWith } from './negotiation.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly format?: AnswerFormat;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SendAnswerOptions {
  /** Shorter answers are not compressed. */
  readonly compressionThresholdBytes: number;
  readonly log: Logger;
  /** Of answers whose client went away, or did not take them, by address. */
  readonly broken: RareLines;
}

/** What is read before any of it is sent; an answer that is no longer goes out as a whole, with its length. */
const pieceBytes = 64 * 1024;

/** Rows in a format that begins with their number are held in memory, up to this. */
const maxGatheredBytes = 64 * 1024 * 1024;

/**
 * Sends an answer in the format and the compression that the client asked for. Rows are read as fast as the client
 * takes them.
 *
 * Resolves when it was sent. An error before the first byte is thrown. A later one ends the connection in the
 * middle of the body, so that no client can take what it has for the whole.
 */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, format = formatOf(request), headers = {} }: Answer,
  { compressionThresholdBytes, log, broken }: SendAnswerOptions,
): Promise<void> {
  const head: OutgoingHttpHeaders = {
    'content-type': format.contentType,
    vary: varyWith(response, 'Accept, Accept-Encoding'),
  };
  Object.assign(head, headers);
  const whole = async (bytes: Buffer | string): Promise<void> => {
    const isShort = Buffer.byteLength(bytes) < compressionThresholdBytes;
    const compression = isShort ? undefined : compressionOf(request);
    if (compression) head['content-encoding'] = compression.name;
    const sent = compression ? await compression.compress(bytes) : bytes;
    if (response.destroyed) return;
    head['content-length'] = Buffer.byteLength(sent);
    if (head['content-length'] > pieceBytes) cutWhenStalled(response);
    response.writeHead(status, head).end(sent);
  };
  if (!(body instanceof Rows)) return whole(format.encode(body));
  const rows = new Rows(body.columns, whileTaken(body, response));
  if (format.rows === undefined) return whole(format.encode(await gather(rows, format)));
  const pieces = piecesOf(rows, format.rows);
  try {
    const first = (await pieces.next()).value ?? Buffer.alloc(0);
    const second = await pieces.next();
    if (second.done === true) return await whole(first);
    const compression = compressionOf(request);
    response.writeHead(status, { ...head, ...(compression && { 'content-encoding': compression.name }) });
    cutWhenStalled(response);
    const source = Readable.from(paced(first, second.value, pieces), { objectMode: false });
    await (compression ? pipeline(source, compression.stream(), response) : pipeline(source, response));
  } catch (error) {
    if (!response.headersSent) throw error;
    // Both ends see a body that breaks off.
    if (isClientGone(error)) broken.write(request.socket.remoteAddress ?? '');
    else log.warn({ err: error }, 'answer broke off: a row could not be read');
    response.destroy();
  } finally {
    // What a stream was not begun to be read from, it does not end: a sort would keep its memory.
    await pieces.return(undefined);
  }
}

function isClientGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

interface Compression {
  readonly name: string;
  readonly stream: () => Transform;
  readonly compress: (bytes: Buffer | string) => Promise<Buffer>;
}

const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } };
const gzipOptions = { level: 3 };

const compressions: Readonly<Record<string, Compression>> = {
  br: {
    name: 'br',
    stream: () => createBrotliCompress(brotliOptions),
    compress: (bytes) => promisify(brotliCompress)(bytes, brotliOptions),
  },
  gzip: {
    name: 'gzip',
    stream: () => createGzip(gzipOptions),
    compress: (bytes) => promisify(gzip)(bytes, gzipOptions),
  },
};

function compressionOf(request: IncomingMessage): Compression | undefined {
  const best = acceptedEncoding(request, [...Object.keys(compressions), 'identity']);
  return best === undefined ? undefined : compressions[best];
}

/** Ends at the first pause at which the client is gone: what is read then is for nobody. */
function* whileTaken(rows: Rows, response: ServerResponse): Generator<object | undefined> {
  for (const row of rows.withPauses) {
    if (row === undefined && response.destroyed) return;
    yield row;
  }
}

async function* piecesOf(rows: Rows, format: RowFormat): AsyncGenerator<Buffer, undefined> {
  let { columns } = rows;
  let waiting: Buffer[] = [];
  let size = 0;
  let isFirst = true;
  for (const row of rows.withPauses) {
    // Not `inTurns`: waiting for each row takes a tenth of the time of a long answer.
    if (row === undefined) {
      await nextTurn();
      continue;
    }
    if (isFirst) {
      if (columns.length === 0) columns = Object.keys(row);
      waiting.push(format.begin(columns));
    }
    const bytes = format.row(row, columns, isFirst);
    isFirst = false;
    waiting.push(bytes);
    size += bytes.length;
    if (size < pieceBytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    size = 0;
  }
  if (isFirst) waiting.push(format.begin(columns));
  yield Buffer.concat([...waiting, format.end]);
}

/** Gives everybody else a turn after each piece. */
async function* paced(first: Buffer, second: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield second;
  for await (const piece of rest) {
    yield piece;
    await nextTurn();
  }
}

async function gather(rows: Rows, format: AnswerFormat): Promise<readonly object[]> {
  const gathered: object[] = [];
  let size = 0;
  for await (const row of inTurns(rows.withPauses)) {
    size += Buffer.byteLength(format.encode(row));
    if (size > maxGatheredBytes) {
      throw new CodedError(
        'too_large',
        `The answer is larger than ${maxGatheredBytes} bytes, which ${format.name} cannot carry row by row: ` +
          `set a limit, or accept application/json or application/cbor`,
      );
    }
    gathered.push(row);
  }
  return gathered;
}
