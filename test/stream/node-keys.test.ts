import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromSeed } from '@nats-io/nkeys';
import { expect, test } from 'vitest';
import { makeCertificate } from '../../src/stream/make-certificate.ts';
import { openTokenKeys } from '../../src/operation/user/token-keys.ts';
import { fingerprintOf, openNodeKeys } from '../../src/stream/node-keys.ts';
import { tlsServerName } from '../../src/stream/tls-server-name.ts';
import { TemporaryDirectory } from '../store/test-store.ts';
import { foreignCertificate, putForApi } from './api-certificate.ts';

test('keys are made once and read ever after', async () => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, 'keys');

  const made = await openNodeKeys(path, 'edge');
  const read = await openNodeKeys(path, 'edge');

  expect(read).toEqual(made);
  expect(made.publicKey).toMatch(/^U[A-Z2-7]{55}$/);
  expect(made.systemPublicKey).toMatch(/^U[A-Z2-7]{55}$/);
  expect(made.systemPublicKey).not.toBe(made.publicKey);
  expect(fromSeed(made.seed).getPublicKey()).toBe(made.publicKey);
});

test('files and directory are readable by their user only, and nothing half-written is left', async () => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, 'keys');

  await openNodeKeys(path, 'edge');

  expect(statSync(path).mode & 0o777).toBe(0o700);
  const files = readdirSync(path).toSorted();
  expect(files).toEqual(['cluster.pem', 'clusterKey.pem', 'node.nk', 'system.nk']);
  expect(files.map((file) => statSync(join(path, file)).mode & 0o777)).toEqual([0o600, 0o600, 0o600, 0o600]);
});

test('keys that were put back with the rights of any other file are closed to others again', async () => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, 'keys');
  await openNodeKeys(path, 'edge');
  await openTokenKeys(path);
  chmodSync(path, 0o755);
  for (const file of readdirSync(path)) chmodSync(join(path, file), 0o644);

  await openNodeKeys(path, 'edge');
  await openTokenKeys(path);

  const open = readdirSync(path).filter((file) => (statSync(join(path, file)).mode & 0o077) !== 0);
  expect(open).toEqual(['cluster.pem']);
});

test('the certificate is the node server, for long, and fits its key', async () => {
  await using directory = await TemporaryDirectory.make();
  const keys = await openNodeKeys(join(directory.path, 'keys'), 'x'.repeat(200));

  const certificate = new X509Certificate(keys.certificate);

  expect(certificate.checkHost(tlsServerName)).toBe(tlsServerName);
  expect(certificate.ca).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(keys.privateKeyFile)))).toBe(true);
  expect(new Date(certificate.validFrom).getTime()).toBeLessThan(Date.now());
  expect(new Date(certificate.validTo).getFullYear()).toBeGreaterThan(new Date().getFullYear() + 15);
  expect(fingerprintOf(keys.certificate)).toBe(certificate.fingerprint256.replaceAll(':', '').toLowerCase());
});

test('two nodes have different keys and certificates', async () => {
  await using directory = await TemporaryDirectory.make();
  const [one, two] = [
    await openNodeKeys(join(directory.path, 'one'), 'edge'),
    await openNodeKeys(join(directory.path, 'two'), 'edge'),
  ];

  expect(one.publicKey).not.toBe(two.publicKey);
  expect(fingerprintOf(one.certificate)).not.toBe(fingerprintOf(two.certificate));
});

const without = { missing: (file: string) => rmSync(file), empty: (file: string) => writeFileSync(file, '') };

test.each([
  ['cluster.pem', 'missing'],
  ['clusterKey.pem', 'missing'],
  ['cluster.pem', 'empty'],
  ['clusterKey.pem', 'empty'],
] as const)('when %s is %s both are made anew: the two always fit, and the nkey stays', async (file, how) => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, 'keys');
  const before = await openNodeKeys(path, 'edge');
  without[how](join(path, file));

  const after = await openNodeKeys(path, 'edge');

  expect(after.publicKey).toBe(before.publicKey);
  const certificate = new X509Certificate(after.certificate);
  expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(after.privateKeyFile)))).toBe(true);
});

test.each(['node.nk', 'system.nk'])('an empty %s, left by a power cut, is made anew', async (file) => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, 'keys');
  const before = await openNodeKeys(path, 'edge');
  writeFileSync(join(path, file), '');

  const after = await openNodeKeys(path, 'edge');

  expect(after.publicKey === before.publicKey).toBe(file !== 'node.nk');
  expect(after.systemPublicKey === before.systemPublicKey).toBe(file !== 'system.nk');
  expect(await openNodeKeys(path, 'edge')).toEqual(after);
});

test.each(['node.nk', 'system.nk', 'cluster.pem', 'clusterKey.pem'])(
  'a damaged %s is kept, and named with what to do',
  async (file) => {
    await using directory = await TemporaryDirectory.make();
    const path = join(directory.path, 'keys');
    await openNodeKeys(path, 'edge');
    const damaged = readFileSync(join(path, file), 'utf8').slice(0, -40);
    writeFileSync(join(path, file), damaged);

    await expect(openNodeKeys(path, 'edge')).rejects.toThrow(
      `The key file ${join(path, file)} is damaged: put back a copy of it, or remove it, and a new one is made`,
    );

    expect(readFileSync(join(path, file), 'utf8')).toBe(damaged);
  },
);

test('a private key of another certificate is named as damaged', async () => {
  await using directory = await TemporaryDirectory.make();
  const [one, two] = [
    await openNodeKeys(join(directory.path, 'one'), 'edge'),
    await openNodeKeys(join(directory.path, 'two'), 'edge'),
  ];
  writeFileSync(one.privateKeyFile, readFileSync(two.privateKeyFile));

  await expect(openNodeKeys(join(directory.path, 'one'), 'edge')).rejects.toThrow(
    `${one.privateKeyFile} is damaged`,
  );
});

test('a certificate that is put there for the API changes nothing between nodes', async () => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, 'keys');
  const before = await openNodeKeys(path, 'edge');
  putForApi(path, await foreignCertificate());

  expect(await openNodeKeys(path, 'edge')).toEqual(before);
});

test('a node whose own certificate is where that of the API belongs keeps it, and so does the API', async () => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, 'keys');
  const made = await makeCertificate('edge');
  putForApi(path, made);

  const keys = await openNodeKeys(path, 'edge');

  expect(keys.certificate).toBe(made.certificate);
  expect(readFileSync(keys.privateKeyFile, 'utf8')).toBe(made.privateKey);
  expect(readFileSync(join(path, 'certificate.pem'), 'utf8')).toBe(made.certificate);
  putForApi(path, await foreignCertificate());
  expect(await openNodeKeys(path, 'edge')).toEqual(keys);
});

test.each([
  ['for another name', foreignCertificate],
  [
    'without its key',
    async () => ({ ...(await makeCertificate('edge')), privateKey: (await foreignCertificate()).privateKey }),
  ],
  ['that is damaged', async () => ({ ...(await makeCertificate('edge')), certificate: 'no certificate' })],
])('a certificate of the API %s does not become that of the node, and stays', async (_what, make) => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, 'keys');
  const put = await make();
  putForApi(path, put);

  const keys = await openNodeKeys(path, 'edge');

  expect(keys.certificate).not.toBe(put.certificate);
  expect(new X509Certificate(keys.certificate).checkHost(tlsServerName)).toBe(tlsServerName);
  expect(readFileSync(join(path, 'certificate.pem'), 'utf8')).toBe(put.certificate);
  expect(readFileSync(join(path, 'privateKey.pem'), 'utf8')).toBe(put.privateKey);
});
