import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { ServedCertificate } from './certificate.ts';

export interface GracefulServerOptions {
  readonly handle: RequestListener;
  /** Speaks TLS with this certificate. */
  readonly certificate?: ServedCertificate | undefined;
  /** From the first byte of a request to the last of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the last of its body. */
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** How long running requests may take once the server is closing. */
  readonly closeTimeoutMs: number;
}

/** An HTTP server that finishes what runs before it is closed, and is not held open by idle connections. */
export class GracefulServer implements AsyncDisposable {
  readonly server: Server | SecureServer;
  readonly #closeTimeoutMs: number;
  /** Not `closeIdleConnections()`: that one takes a connection that has sent nothing yet for a busy one. */
  readonly #idle = new Set<Socket>();
  #isClosing = false;
  #closed: Promise<void> | undefined;

  constructor(options: GracefulServerOptions) {
    this.#closeTimeoutMs = options.closeTimeoutMs;
    const listener: RequestListener = (request, response) => {
      const { socket } = request;
      this.#idle.delete(socket);
      if (this.#isClosing) response.setHeader('connection', 'close');
      response.on('close', () => {
        if (this.#isClosing) socket.end();
        else if (!socket.destroyed) this.#idle.add(socket);
      });
      options.handle(request, response);
    };
    const checks = { connectionsCheckingInterval: 1_000 };
    this.server = options.certificate
      ? createSecureServer({ ...checks, ...options.certificate, handshakeTimeout: 5_000 }, listener)
      : createServer(checks, listener);
    this.server.on(options.certificate ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#idle.add(socket);
      socket.once('close', () => this.#idle.delete(socket));
    });
    this.server.headersTimeout = options.headersTimeoutMs;
    this.server.requestTimeout = options.requestTimeoutMs;
    this.server.keepAliveTimeout = options.keepAliveTimeoutMs;
  }

  /** Stops accepting at once; resolves when the last request was answered or has run out of time. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    if (!this.server.listening) return;
    const timer = setTimeout(() => this.server.closeAllConnections(), this.#closeTimeoutMs);
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      for (const socket of this.#idle) socket.destroy();
    });
    clearTimeout(timer);
  }
}
