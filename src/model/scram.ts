import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** What a node stores of the cluster user: enough to check a proof, not to make one. */
export interface ScramVerifier {
  /** All base64. */
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

const derive = promisify(pbkdf2);
const defaultIterations = 15_000;

/** SCRAM-SHA-256 (RFC 5802, RFC 7677): mutual proof of one password, which never travels. */
export async function makeVerifier(
  password: string,
  salt: Uint8Array = randomBytes(16),
  iterations = defaultIterations,
): Promise<ScramVerifier> {
  const { clientKey, serverKey } = await keysOf(password, salt, iterations);
  return {
    salt: Buffer.from(salt).toString('base64'),
    iterations,
    storedKey: sha256(clientKey).toString('base64'),
    serverKey: serverKey.toString('base64'),
  };
}

/** What the client sends, and the answer by which it will know that the server holds the verifier. */
export async function makeProof(
  password: string,
  salt: string,
  iterations: number,
  authMessage: string,
): Promise<{ readonly proof: string; readonly serverSignature: string }> {
  const { clientKey, serverKey } = await keysOf(password, Buffer.from(salt, 'base64'), iterations);
  const signature = hmac(sha256(clientKey), authMessage);
  return {
    proof: xor(clientKey, signature).toString('base64'),
    serverSignature: hmac(serverKey, authMessage).toString('base64'),
  };
}

/** The server's own signature when the client's proof is right; undefined when it is not. */
export function checkProof(verifier: ScramVerifier, proof: string, authMessage: string): string | undefined {
  const storedKey = Buffer.from(verifier.storedKey, 'base64');
  const given = Buffer.from(proof, 'base64');
  if (given.length !== storedKey.length) return undefined;
  const clientKey = xor(given, hmac(storedKey, authMessage));
  if (!timingSafeEqual(sha256(clientKey), storedKey)) return undefined;
  return hmac(Buffer.from(verifier.serverKey, 'base64'), authMessage).toString('base64');
}

async function keysOf(
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<{ clientKey: Buffer; serverKey: Buffer }> {
  const salted = await derive(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  return { clientKey: hmac(salted, 'Client Key'), serverKey: hmac(salted, 'Server Key') };
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)));
}
