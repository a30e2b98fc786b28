import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import type { ClientConfig } from '../config/client-config.ts';
import { maxSocketPathBytes } from '../http/domain-socket.ts';
import { readPorts } from '../process/ports-file.ts';
import { refusalOf, type Answer } from './answer.ts';
import { findRunningProcess } from './running-process.ts';

export interface Target {
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/**
 * Speaks to one node: over its domain socket, where the file system says who may, or to an address.
 *
 * Opens nothing until it is asked something and keeps nothing open.
 */
export class NodeClient {
  readonly #target: Target | { readonly socketPath: string };
  readonly #whenUnreachable: string;
  readonly #whenBroken: string;

  private constructor(target: Target | { readonly socketPath: string }, whenUnreachable: string) {
    this.#target = target;
    this.#whenUnreachable = whenUnreachable;
    this.#whenBroken = `The connection to the node at ${'url' in target ? target.url : target.socketPath} failed`;
  }

  /** @throws when `url` is no http address */
  static forTarget({ url, ...credentials }: Target): NodeClient {
    const address = URL.canParse(url) ? new URL(url) : undefined;
    if (!address || !/^https?:$/.test(address.protocol)) {
      throw new Error(`The target must be an address like http://localhost:9925, not ${url}`);
    }
    // fetch() refuses addresses that hold credentials.
    const username = address.username === '' ? credentials.username : decodeURIComponent(address.username);
    const password = address.password === '' ? credentials.password : decodeURIComponent(address.password);
    const target = { url: new URL('/', address.origin).href, username, password };
    return new NodeClient(target, `No node answers at ${target.url}`);
  }

  /** @throws when no node runs in the root path */
  static forRootPath({ rootPath, host, domainSocket, admin }: ClientConfig): NodeClient {
    const notRunning = `No node is running in ${rootPath}; start one with: lyre start`;
    if (
      domainSocket !== undefined &&
      Buffer.byteLength(domainSocket) <= maxSocketPathBytes &&
      existsSync(domainSocket)
    ) {
      return new NodeClient({ socketPath: domainSocket }, notRunning);
    }
    // The number of a port may belong to somebody else since; the password must not go there.
    const ports = findRunningProcess(rootPath) === undefined ? undefined : readPorts(rootPath);
    if (ports === undefined) throw new Error(notRunning);
    if (ports.api === undefined)
      throw new Error(`The node in ${rootPath} listens on TLS only; name it with --target https://...`);
    const address = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
    const url = `http://${address.includes(':') ? `[${address}]` : address}:${ports.api}/`;
    return new NodeClient({ url, ...admin }, notRunning);
  }

  /**
   * @param timeoutMs no limit when not given: some operations take long
   * @throws when nothing answers, or not in time; a refusal is an answer
   */
  async ask(
    path: string,
    { body, timeoutMs }: { readonly body?: object; readonly timeoutMs?: number } = {},
  ): Promise<Answer> {
    const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
    return this.#guarded(async () => {
      const { status, content } = await this.#send(path, body, signal);
      return { status, body: parse(await readAll(content)) };
    }, signal);
  }

  /** The answer to an operation. @throws with the text of the node when it refuses, and as {@link ask} */
  async run(body: object): Promise<unknown> {
    const answer = await this.ask('/', { body });
    if (answer.status >= 400) throw new Error(refusalOf(answer));
    return answer.body;
  }

  /** The answer to an operation that answers with a file. @throws as {@link run} */
  async download(body: object): Promise<{ readonly content: Readable; readonly bytes: number }> {
    const { status, content, bytes } = await this.#guarded(() => this.#send('/', body));
    if (status >= 400) throw new Error(refusalOf({ status, body: parse(await readAll(content)) }));
    return { content, bytes };
  }

  #send(path: string, body: object | undefined, signal?: AbortSignal): Promise<RawAnswer> {
    const json = body === undefined ? undefined : JSON.stringify(body);
    return 'url' in this.#target
      ? askUrl(this.#target, path, json, signal)
      : askSocket(this.#target.socketPath, path, json, signal);
  }

  /** Says in words of a user why nothing came back. */
  async #guarded<T>(action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      if (signal?.aborted === true) throw new Error('The node does not answer in time', { cause });
      const code = codeOf(cause);
      const isAbsent = code === 'ECONNREFUSED' || code === 'ENOENT';
      throw new Error(isAbsent ? this.#whenUnreachable : `${this.#whenBroken} (${code})`, { cause });
    }
  }
}

interface RawAnswer {
  readonly status: number;
  readonly content: Readable;
  /** As the node has announced them; 0 when it has not. */
  readonly bytes: number;
}

async function askUrl(
  { url, username, password }: Target,
  path: string,
  json: string | undefined,
  signal: AbortSignal | undefined,
): Promise<RawAnswer> {
  const headers = new Headers(headersFor(json));
  if (username !== undefined) {
    const credentials = Buffer.from(`${username}:${password ?? ''}`).toString('base64');
    headers.set('authorization', `Basic ${credentials}`);
  }
  const response = await fetch(new URL(path, url), {
    method: json === undefined ? 'GET' : 'POST',
    headers,
    ...(json === undefined ? {} : { body: json }),
    ...(signal === undefined ? {} : { signal }),
  });
  const content = response.body ? Readable.fromWeb(response.body) : Readable.from([]);
  return { status: response.status, content, bytes: Number(response.headers.get('content-length') ?? 0) };
}

function askSocket(
  socketPath: string,
  path: string,
  json: string | undefined,
  signal: AbortSignal | undefined,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request({
      socketPath,
      path,
      method: json === undefined ? 'GET' : 'POST',
      headers: headersFor(json),
      agent: false,
      ...(signal === undefined ? {} : { signal }),
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      const bytes = Number(response.headers['content-length'] ?? 0);
      resolve({ status: response.statusCode ?? 0, content: response, bytes });
    });
    asked.end(json);
  });
}

function headersFor(json: string | undefined): Record<string, string> {
  if (json === undefined) return { accept: 'application/json' };
  return {
    accept: 'application/json',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(json)),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** fetch() hides the code in the cause of its error. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? error.message : codeOf(error.cause);
}
