import { createPrivateKey, createPublicKey, randomBytes, sign, verify, type KeyObject } from 'node:crypto';

/*
 * The nkeys of users, as nats-server knows them: ed25519, in base32 with a prefix and a checksum. By OpenSSL: what
 * @nats-io/nkeys computes in JavaScript takes a process that has just started a tenth of a second, for three keys.
 */

/** What the bytes of a key begin with, and those of its seed. */
const userPrefix = Buffer.from([20 << 3]);
const seedPrefix = Buffer.from([(18 << 3) | (20 >> 2), (20 & 3) << 6]);
const keyLength = 32;
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** What DER puts before the 32 bytes of an ed25519 private key. */
const pkcs8Header = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The seed of a new nkey, as text. */
export function makeSeed(): string {
  return encode(seedPrefix, randomBytes(keyLength));
}

/** The public key of a seed, as text. @throws Error when the text is not the seed of a user */
export function publicKeyOf(seed: Uint8Array): string {
  const { x = '' } = createPublicKey(privateKey(seed)).export({ format: 'jwk' });
  return encode(userPrefix, Buffer.from(x, 'base64url'));
}

/** Signs a text with the key of a seed. @throws Error when the text is not the seed of a user */
export function signWith(seed: Uint8Array, text: string): Buffer {
  return sign(null, Buffer.from(text), privateKey(seed));
}

/** Also false when `publicKey` is none. */
export function isSignedBy(publicKey: string, text: string, signature: Buffer): boolean {
  const x = decode(userPrefix, publicKey)?.toString('base64url');
  if (x === undefined) return false;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, Buffer.from(text), key, signature);
}

/** Whether the text is the public key of a user: nats-server takes no configuration that has another. */
export function isPublicKey(text: string): boolean {
  return decode(userPrefix, text) !== undefined;
}

function privateKey(seed: Uint8Array): KeyObject {
  const secret = decode(seedPrefix, Buffer.from(seed).toString('latin1'));
  if (!secret) throw new Error('The seed of an nkey is damaged');
  return createPrivateKey({ key: Buffer.concat([pkcs8Header, secret]), format: 'der', type: 'pkcs8' });
}

function encode(prefix: Buffer, key: Buffer): string {
  const checked = Buffer.concat([prefix, key, Buffer.alloc(2)]);
  checked.writeUInt16LE(checksumOf(checked.subarray(0, -2)), checked.length - 2);
  let bits = '';
  for (const byte of checked) bits += byte.toString(2).padStart(8, '0');
  return bits.replaceAll(/.{1,5}/g, (five) => alphabet.charAt(Number.parseInt(five.padEnd(5, '0'), 2)));
}

/** The key; undefined where the text is not what {@link encode} makes of one. */
function decode(prefix: Buffer, text: string): Buffer | undefined {
  // First, for anybody may send one of megabytes.
  if (text.length !== Math.ceil(((prefix.length + keyLength + 2) * 8) / 5)) return undefined;
  const bytes = Buffer.alloc(prefix.length + keyLength + 2);
  let held = 0;
  let bits = 0;
  let end = 0;
  for (const letter of text) {
    const five = alphabet.indexOf(letter);
    if (five < 0) return undefined;
    held = (held << 5) | five;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[end] = held >> bits;
    end += 1;
    held &= (1 << bits) - 1;
  }
  const [content, checksum] = [bytes.subarray(0, -2), bytes.readUInt16LE(bytes.length - 2)];
  const isSound = held === 0 && content.indexOf(prefix) === 0 && checksumOf(content) === checksum;
  return isSound ? content.subarray(prefix.length) : undefined;
}

/** CRC-16/XMODEM. */
function checksumOf(bytes: Uint8Array): number {
  let checksum = 0;
  for (const byte of bytes) {
    checksum ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1)
      checksum = ((checksum << 1) ^ (checksum & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return checksum;
}
