import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fetchOfficialRelease } from '../../scripts/nats-server/official-release.mjs';
import { PINNED } from '../../scripts/nats-server/version.mjs';
import { temporaryDirectory } from './temporary-directory.mjs';

const names = ['linux', 'darwin'].flatMap((system) =>
  ['amd64', 'arm64', 'arm7', '386'].map((processor) => `nats-server-v${PINNED}-${system}-${processor}`),
);

/** A release with a server for every machine that says its version and no more. */
async function makeArchive() {
  const directory = await temporaryDirectory();
  for (const name of names) {
    await mkdir(join(directory, name));
    await writeFile(join(directory, name, 'nats-server'), `echo ${PINNED}\n`);
  }
  execFileSync('tar', ['-czf', 'all.tar.gz', ...names], { cwd: directory });
  return readFile(join(directory, 'all.tar.gz'));
}

/**
 * Where a release is published.
 *
 * @param {string} sum of each archive
 * @param {(response: import('node:http').ServerResponse) => void} sendArchive
 */
async function publish(sum, sendArchive) {
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/SHA256SUMS'))
      response.end(names.map((name) => `${sum}  ${name}.tar.gz\n`).join(''));
    else sendArchive(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${server.address().port}/v${PINNED}`;
}

/** @param {Buffer} bytes */
function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

test('a release whose checksum is right is unpacked', async () => {
  const archive = await makeArchive();
  const url = await publish(sha256(archive), (response) => response.end(archive));

  const binary = await fetchOfficialRelease(await temporaryDirectory(), url);

  expect(await readFile(binary, 'utf8')).toBe(`echo ${PINNED}\n`);
});

test.each([
  [
    'has another checksum',
    /has checksum [0-9a-f]{64}, SHA256SUMS says/,
    (response, archive) => response.end(Buffer.concat([archive, Buffer.from('!')])),
  ],
  [
    'breaks off',
    /\/nats-server-v[\w.-]+\.tar\.gz: /,
    (response, archive) => {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, 100), () => response.destroy());
    },
  ],
  ['is not there', /\.tar\.gz: status 404$/, (response) => response.writeHead(404).end()],
])('a release that %s is an error that says so, and leaves nothing', async (_, message, send) => {
  const archive = await makeArchive();
  const url = await publish(sha256(archive), (response) => send(response, archive));
  const directory = await temporaryDirectory();

  await expect(fetchOfficialRelease(directory, url)).rejects.toThrow(message);

  expect(await readdir(directory)).toEqual([]);
});
