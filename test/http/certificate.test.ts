import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, test, vi } from 'vitest';
import type { CertificateFiles } from '../../src/http/certificate.ts';
import { makeCertificate } from '../../src/stream/make-certificate.ts';
import { admin, openServer } from './open-server.ts';

interface Files extends CertificateFiles, AsyncDisposable {
  /** Replaces both; resolves to the fingerprint of the new certificate. */
  renew(): Promise<string>;
}

async function openFiles(): Promise<Files> {
  const directory = await mkdtemp(join(tmpdir(), 'lyre-certificate-'));
  const files = { certificate: join(directory, 'c.pem'), privateKey: join(directory, 'k.pem') };
  return {
    ...files,
    async renew() {
      const made = await makeCertificate('n1');
      await writeFile(files.certificate, made.certificate);
      await writeFile(files.privateKey, made.privateKey);
      return new X509Certificate(made.certificate).fingerprint256;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

function fingerprintOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

interface Told {
  readonly text: string;
  readonly cookies: readonly string[];
}

function postSecurely(port: number, body: unknown): Promise<Told> {
  return new Promise((resolve, reject) => {
    const options = {
      ...{ host: '127.0.0.1', port, path: '/', method: 'POST', rejectUnauthorized: false },
      headers: { authorization: admin },
    };
    request(options, (response) => {
      let text = '';
      const cookies = response.headers['set-cookie'] ?? [];
      response
        .on('data', (chunk: Buffer) => (text += chunk.toString()))
        .on('end', () => resolve({ text, cookies }));
    })
      .on('error', reject)
      .end(JSON.stringify(body));
  });
}

test('the same operations are served over TLS', async () => {
  await using files = await openFiles();
  await files.renew();
  await using t = await openServer({ secure: { ...files, port: 0 } });

  const { text } = await postSecurely(t.server.securePort ?? 0, {
    operation: 'create_schema',
    schema: 'dev',
  });

  expect(JSON.parse(text)).toEqual({ message: "database 'dev' successfully created" });
  expect((await t.post({ operation: 'describe_all' })).body).toEqual({ dev: {} });
});

test('a node may serve TLS only', async () => {
  await using files = await openFiles();
  await files.renew();
  await using t = await openServer({ port: undefined, secure: { ...files, port: 0 } });

  const { text } = await postSecurely(t.server.securePort ?? 0, { operation: 'describe_all' });

  expect(t.server.port).toBeUndefined();
  expect(JSON.parse(text)).toEqual({});
});

test('a session that begins over TLS has a cookie for TLS only', async () => {
  await using files = await openFiles();
  await files.renew();
  await using t = await openServer({ secure: { ...files, port: 0 } });
  const login = { operation: 'login', username: 'admin', password: 'pass:word' };

  const { cookies } = await postSecurely(t.server.securePort ?? 0, login);

  expect(cookies).toEqual([expect.stringMatching(/; HttpOnly; SameSite=Strict; Secure$/)]);
});

test('files that change are served without a restart, and a broken pair never is', async () => {
  await using files = await openFiles();
  const first = await files.renew();
  await using t = await openServer({ secure: { ...files, port: 0 } });
  const port = t.server.securePort ?? 0;
  expect(await fingerprintOf(port)).toBe(first);

  await writeFile(files.privateKey, 'not a key');
  await vi.waitFor(() => expect(t.logged.join()).toContain('cannot be used'), 10_000);
  expect(await fingerprintOf(port)).toBe(first);

  const second = await files.renew();
  await vi.waitFor(async () => expect(await fingerprintOf(port)).toBe(second), 10_000);
});

test('a certificate that cannot be read keeps the server from starting', async () => {
  await using files = await openFiles();

  await expect(openServer({ secure: { ...files, port: 0 } })).rejects.toMatchObject({
    code: 'start_failed',
    message: expect.stringContaining(files.certificate),
  });
});
