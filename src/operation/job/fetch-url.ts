import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { PassThrough, pipeline } from 'node:stream';
import { CodedError, messageOf } from '../../model/errors.ts';
import type { CsvSource } from './csv-load.ts';
import { atLeastSpeed } from './least-speed.ts';

/** Calls back with all addresses of a name. */
export type Resolve = (
  host: string,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface FetchOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** Which addresses may be connected to. */
  readonly isPermitted: (address: string) => boolean;
  readonly signal: AbortSignal;
  /** All addresses of a name; the resolver of the system when not given. */
  readonly resolve?: Resolve;
  /** For the head of each answer, from the question on; 60 s when not given. */
  readonly answerTimeoutMs?: number;
  /** The clock of {@link atLeastSpeed}. */
  readonly steadyMs?: () => number;
}

const maxRedirects = 5;
const idleTimeoutMs = 60_000;

/**
 * Gets an http(s) address and follows redirects. The name is resolved once for each connection and the connection
 * goes to an address that was checked, so no answer of a name server can change between check and use.
 *
 * Headers of the caller go to the first origin only. The stream fails when the server is silent for a minute, or slower
 * than {@link atLeastSpeed}.
 *
 * @throws CodedError `invalid_request`
 */
export async function fetchUrl(url: string, options: FetchOptions): Promise<CsvSource> {
  let next = new URL(url);
  const { origin } = next;
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    // A connection to an address asks no name server, so nothing else would look at it.
    refuseForbiddenUrl(next, options.isPermitted);
    const response = await get(next, next.origin === origin ? options : { ...options, headers: {} });
    const { statusCode = 0, headers, statusMessage = '' } = response;
    if (statusCode === 200) {
      const length = Number(headers['content-length']);
      return {
        stream: pipeline(
          response,
          (source: AsyncIterable<Buffer>) => atLeastSpeed(source, options.steadyMs),
          new PassThrough(),
          // Who reads the stream is told.
          () => {},
        ),
        totalBytes: Number.isSafeInteger(length) ? length : null,
      };
    }
    response.destroy();
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) {
      throw new CodedError(
        'invalid_request',
        `CSV Load failed from URL: ${toldUrl(url)}, status code: ${statusCode}, message: ${statusMessage}`,
      );
    }
    if (!URL.canParse(headers.location, next.href))
      throw new CodedError('invalid_request', `${toldUrl(url)} redirects to what is no address`);
    next = new URL(headers.location, next);
  }
  throw new CodedError('invalid_request', `${toldUrl(url)} redirects more than ${maxRedirects} times`);
}

/**
 * Refuses what can be refused before a name is resolved.
 *
 * @throws CodedError `invalid_request`
 */
export function refuseForbiddenUrl(url: URL, isPermitted: FetchOptions['isPermitted']): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new CodedError('invalid_request', `'csv_url' must be a valid url`);
  const host = hostOf(url);
  if (isIP(host) !== 0 && !isPermitted(host)) throw forbidden(host);
}

async function get(url: URL, options: FetchOptions): Promise<IncomingMessage> {
  const { headers, isPermitted, signal, resolve = resolveAll, answerTimeoutMs = 60_000 } = options;
  const lookup: LookupFunction = (name, { all }, done) => {
    resolve(name, (error, addresses) => {
      const permitted = error ? [] : addresses.filter(({ address }) => isPermitted(address));
      const [first] = permitted;
      if (first === undefined) done(error ?? forbidden(name), []);
      else if (all === true) done(null, permitted);
      else done(null, first.address, first.family);
    });
  };
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((settle, reject) => {
      const asked = send(url, { headers, signal, agent: false, lookup });
      const giveUpAfter = (ms: number): void => {
        asked.destroy(new Error(`no answer for ${ms / 1_000} s`));
      };
      asked.setTimeout(idleTimeoutMs, () => giveUpAfter(idleTimeoutMs));
      // The head may come drop by drop, and is never idle then.
      timer = setTimeout(giveUpAfter, answerTimeoutMs, answerTimeoutMs);
      asked.on('error', reject);
      asked.once('response', settle);
      // An answer like any other that is not the file. With nobody to take it there would be no event but the close.
      asked.once('upgrade', (response, socket) => {
        socket.destroy();
        settle(response);
      });
      // Whatever way a request ends, nobody waits for it; what has been settled stays so.
      asked.once('close', () => reject(new Error('the connection was closed before an answer')));
      asked.end();
    });
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw new CodedError(
      'invalid_request',
      `CSV Load failed from URL: ${toldUrl(url.href)}: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  } finally {
    clearTimeout(timer);
  }
}

/** As it was written, without a password: what is told is kept in the row of the job, which others may read. */
function toldUrl(text: string): string {
  const url = new URL(text);
  if (url.username === '' && url.password === '') return text;
  url.username = '';
  url.password = '';
  return url.href;
}

/** Without the brackets of IPv6. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function forbidden(host: string): CodedError {
  return new CodedError(
    'invalid_request',
    `${host} is a loopback, link-local or private address: csv_url_load reads from public ones only, unless bulk.allowPrivateUrls is set`,
  );
}

const resolveAll: Resolve = (host, done) => {
  systemLookup(host, { all: true }, done);
};
