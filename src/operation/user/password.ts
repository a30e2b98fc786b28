import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

// Takes 32 MiB, a size that glibc always returns to the system; smaller blocks stay with each thread that has hashed once.
const cost = { N: 32_768, r: 8, p: 1 };
const hashBytes = 32;

/** A new salted hash, `scrypt$N$r$p$salt$hash` with salt and hash in base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, hashBytes, cost);
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64'), hash.toString('base64')].join('$');
}

/** Whether the text is a hash of {@link hashPassword}. */
export function isPasswordHash(text: string): boolean {
  return parse(text) !== undefined;
}

/** Whether the password has this hash. A hash that cannot be read fits no password. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const parsed = parse(stored);
  if (parsed === undefined) return false;
  const hash = await derive(password, parsed.salt, parsed.hash.length, parsed.cost);
  return timingSafeEqual(hash, parsed.hash);
}

interface ParsedHash {
  readonly cost: typeof cost;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

function parse(stored: string): ParsedHash | undefined {
  const match = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$/.exec(
    stored,
  );
  if (match === null) return undefined;
  const [, N, r, p, salt, hash] = match;
  if (salt === undefined || hash === undefined) return undefined;
  const parsed = {
    cost: { N: Number(N), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
  return parsed.hash.length < 16 ? undefined : parsed;
}

function derive(password: string, salt: Buffer, bytes: number, { N, r, p }: typeof cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, bytes, { N, r, p, maxmem: 256 * N * r }, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}
