/** Where a node is dialled. */
export interface DialAddress {
  readonly host: string;
  /** Absent where nobody said. */
  readonly port?: number;
}

/** A name or an address that can be dialled: an IPv6 address with or without its brackets, which it loses here. */
const hostForm = /^(?:\[([\da-f:.]+(?:%[\w.-]+)?)\]|([^\s/@?#:[\]]+)|([\da-f]*:[\da-f:.]*(?:%[\w.-]+)?))$/i;

const urlForm = /^(?:wss?|https?|nats|tls):\/\/(\[[^\]]*\]|[^\s/@?#:]+)(?::(\d{1,5}))?\/?$/i;

/** What is dialled under that name; undefined for what is none, as with a scheme, a port or a path. */
export function dialHost(text: string): string | undefined {
  const [, bracketed, name, address] = hostForm.exec(text) ?? [];
  return bracketed ?? name ?? address;
}

/** The address of a URL such as `wss://edge.example:9932`; undefined for what is none. */
export function dialUrl(text: string): DialAddress | undefined {
  const [, written = '', port] = urlForm.exec(text) ?? [];
  const host = dialHost(written);
  if (host === undefined) return undefined;
  if (port === undefined) return { host };
  return Number(port) >= 1 && Number(port) <= 65_535 ? { host, port: Number(port) } : undefined;
}
