import { existsSync } from 'node:fs';
import { request as httpRequest, type ClientRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
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

type Place = Target | { readonly socketPath: string };

const keepAliveMs = 60_000;

/**
 * Speaks to one node: over its domain socket, where the file system says who may, or to an address.
 *
 * Opens nothing until it is asked something and keeps nothing open.
 */
export class NodeClient {
  readonly #target: Place;
  readonly #whenUnreachable: string;
  readonly #whenBroken: string;

  private constructor(target: Place, whenUnreachable: string) {
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
    if (isRefusal(answer.status)) throw new Error(refusalOf(answer));
    return answer.body;
  }

  /** The answer to an operation that answers with a file. @throws as {@link run} */
  async download(body: object): Promise<{ readonly content: Readable; readonly bytes: number }> {
    const { status, content, bytes } = await this.#guarded(() => this.#send('/', body));
    if (isRefusal(status)) throw new Error(refusalOf({ status, body: parse(await readAll(content)) }));
    return { content, bytes };
  }

  #send(path: string, body: object | undefined, signal?: AbortSignal): Promise<RawAnswer> {
    const json = body === undefined ? undefined : JSON.stringify(body);
    return askOnce(this.#target, path, json, signal);
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

/** A redirect too: no node sends one, and what stands behind it is told no password. */
function isRefusal(status: number): boolean {
  return status >= 300;
}

interface RawAnswer {
  readonly status: number;
  readonly content: Readable;
  /** As the node has announced them; 0 when it has not. */
  readonly bytes: number;
}

/** Not by fetch(), which gives up when an answer or the next piece of it takes five minutes. */
function askOnce(
  target: Place,
  path: string,
  json: string | undefined,
  signal: AbortSignal | undefined,
): Promise<RawAnswer> {
  const options = {
    method: json === undefined ? 'GET' : 'POST',
    agent: false,
    ...(signal === undefined ? {} : { signal }),
  } as const;
  const headers = headersFor(json);
  return new Promise((resolve, reject) => {
    const asked =
      'socketPath' in target
        ? httpRequest({ ...options, headers, socketPath: target.socketPath, path })
        : sendTo(new URL(path, target.url), {
            ...options,
            headers: { ...headers, ...credentialsOf(target) },
          });
    // Nothing else would tell of a machine that is gone while it is waited for.
    asked.setSocketKeepAlive(true, keepAliveMs);
    asked.on('error', reject);
    asked.once('response', (response) => {
      const bytes = Number(response.headers['content-length'] ?? 0);
      resolve({ status: response.statusCode ?? 0, content: response, bytes });
    });
    asked.once('close', () => reject(new Error('closed without an answer')));
    asked.end(json);
  });
}

function sendTo(url: URL, options: RequestOptions): ClientRequest {
  return url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
}

function credentialsOf({ username, password }: Target): Record<string, string> {
  if (username === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
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

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
