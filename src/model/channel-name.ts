/** Longest encoded channel name, bytes; a table with a longer one works but cannot be subscribed. */
export const maxChannelNameBytes = 200;

/**
 * One NATS token for any name: UTF-8 bytes, `[A-Za-z0-9_-]` kept, every other byte `=XX`.
 * Reversible, and `:` never comes out of it.
 */
export function encodeToken(name: string): string {
  if (isPlain(name)) return name;
  let token = '';
  for (const byte of Buffer.from(name)) {
    const character = String.fromCharCode(byte);
    token += isPlain(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

export function decodeToken(token: string): string {
  if (isPlain(token)) return token;
  const bytes = token.replaceAll(/=([0-9A-F]{2})|./g, (match, hex: string | undefined) =>
    hex === undefined ? match : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Its own token, as nearly every name is. */
function isPlain(name: string): boolean {
  return /^[A-Za-z0-9_-]*$/.test(name);
}

/** Name of a channel and of its stream: `default:sensor_data`. */
export function channelName(database: string, table: string): string {
  return `${encodeToken(database)}:${encodeToken(table)}`;
}

export function parseChannelName(
  channel: string,
): { readonly database: string; readonly table: string } | undefined {
  const [database, table, ...rest] = channel.split(':');
  if (!database || !table || rest.length > 0) return undefined;
  return { database: decodeToken(database), table: decodeToken(table) };
}

/** Subject that carries a channel within the node's own server. */
export function channelSubject(channel: string): string {
  return `ch.${channel}`;
}
