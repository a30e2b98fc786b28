import { connect as connectSocket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  connect,
  type Authenticator,
  type ConnectionOptions,
  type NatsConnection,
  type TlsOptions,
} from '@nats-io/transport-node';
import { CodedError } from '../model/errors.ts';
import { publicKeyOf, signWith } from './nkey.ts';
import { tlsServerName } from './tls-server-name.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionRequest extends Address {
  /** PEM of the one certificate that the server may present. */
  readonly certificate: string;
  /** Seed of the nkey to sign in with; none is the user `join`. */
  readonly seed?: Uint8Array;
  /** Token that only this user may subscribe under. */
  readonly inbox: string;
  readonly name: string;
  readonly timeoutMs: number;
  /** Keep dialling when the connection is lost; otherwise it closes. */
  readonly reconnect: boolean;
  /** Pings, five seconds apart, that may stand behind an answer before the connection counts as dead: 2. */
  readonly maxPingOut?: number;
}

/** Connects to a node's nats-server over TLS, to exactly the server whose certificate is known. */
export async function connectTo(request: ConnectionRequest): Promise<NatsConnection> {
  // `servername` is handed through to node:tls; the type of nats.js does not list it.
  const tls: TlsOptions & { readonly servername: string } = {
    ca: request.certificate,
    servername: tlsServerName,
  };
  const options: ConnectionOptions = {
    servers: `${bracketed(request.host)}:${request.port}`,
    name: request.name,
    tls,
    inboxPrefix: `_INBOX_${request.inbox}`,
    timeout: request.timeoutMs,
    reconnect: request.reconnect,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    reconnectJitterTLS: 100,
    ignoreAuthErrorAbort: true,
    ignoreClusterUpdates: true,
    pingInterval: 5_000,
    maxPingOut: request.maxPingOut ?? 2,
    noRandomize: true,
    // Else each request takes the stack that it is called from; whoever asked names what failed.
    noAsyncTraces: true,
    ...(request.seed ? { authenticator: signingIn(request.seed) } : {}),
  };
  return connect(options);
}

function signingIn(seed: Uint8Array): Authenticator {
  const nkey = publicKeyOf(seed);
  return (nonce = '') => ({ nkey, sig: signWith(seed, nonce).toString('base64') });
}

/**
 * The certificate that a nats-server presents, PEM. Trusts nothing: for the first contact, whose handshake
 * proves afterwards that the peer holds the cluster user's verifier and knows this same certificate.
 *
 * @throws CodedError `unavailable`
 */
export async function presentedCertificate(
  address: Address,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<string> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    // Addresses that are stored may have the brackets of a URL.
    const host = address.host.replace(/^\[(.*)\]$/, '$1');
    const socket = connectSocket({ ...address, host });
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    };
    const fail = (cause: unknown): void => {
      settle();
      socket.destroy();
      const reason = cause instanceof Error ? cause.message : String(cause);
      reject(
        new CodedError('unavailable', `${address.host}:${address.port} cannot be reached: ${reason}`, {
          cause,
        }),
      );
    };
    const giveUp = (): void => fail(signal?.reason);
    signal?.addEventListener('abort', giveUp, { once: true });
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    socket.once('error', fail);
    socket.once('close', () => fail(new Error('the connection was closed')));
    // A nats-server speaks first, in the clear: one INFO line, then TLS.
    socket.once('data', () => {
      const secure = connectTls({ socket, servername: tlsServerName, rejectUnauthorized: false }, () => {
        settle();
        const { raw } = secure.getPeerCertificate();
        resolve(pemOf(raw));
        socket.removeAllListeners('close');
        secure.destroy();
      });
      secure.once('error', fail);
    });
  });
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
