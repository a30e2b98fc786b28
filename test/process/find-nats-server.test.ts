import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findNatsServer as findForScripts } from '../../scripts/nats-server/find.mjs';
import { findNatsServer, type NatsServer } from '../../src/process/find-nats-server.ts';

let directory: string;
let pathBefore: string | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lyre-find-'));
  await mkdir(join(directory, 'bin'));
  await mkdir(join(directory, '.nats'));
  pathBefore = process.env['PATH'];
  process.env['PATH'] = join(directory, 'bin');
});

afterEach(async () => {
  process.env['PATH'] = pathBefore;
  await rm(directory, { recursive: true });
});

describe.each([
  { finder: 'lyre start', find: findForStart, notExecutable: 'text is not executable' },
  { finder: 'the scripts', find: findBeforeBuild, notExecutable: 'text: not executable' },
])('the nats-server of $finder', ({ find, notExecutable }) => {
  test('the configured one is taken before any other', async () => {
    await serverAt('bin/nats-server', '2.14.5');
    const configuredPath = await serverAt('mine', '2.11.0');

    expect(await find(configuredPath)).toEqual({ path: configuredPath, version: '2.11.0' });
  });

  test('a configured one that is too old is an error even where another would do', async () => {
    await serverAt('bin/nats-server', '2.14.5');
    const configuredPath = await serverAt('mine', '2.10.26');

    await expect(find(configuredPath)).rejects.toThrow(
      /^NATS_SERVER_BIN cannot be used: .*mine is 2\.10\.26, at least 2\.10\.27 is needed/,
    );
  });

  test('the one on the PATH is taken before the one that setup installed', async () => {
    await serverAt('bin/nats-server', '2.10.27');
    await serverAt('.nats/nats-server', '2.14.5');

    expect(await find()).toEqual({ path: 'nats-server', version: '2.10.27' });
  });

  test('one on the PATH that is too old is passed over', async () => {
    await serverAt('bin/nats-server', '2.9.10');
    const path = await serverAt('.nats/nats-server', '2.14.5');

    expect(await find()).toEqual({ path, version: '2.14.5' });
  });

  test('a file that does not run is not taken', async () => {
    const configuredPath = join(directory, 'text');
    await writeFile(configuredPath, 'not a program', { mode: 0o644 });

    await expect(find(configuredPath)).rejects.toThrow(new RegExp(`${notExecutable}; correct or unset it$`));
  });
});

test('where lyre start finds none, one line says what to do and where', async () => {
  await expect(findForStart()).rejects.toThrow(
    new Error(
      'No usable nats-server (nats-server is not found): ' +
        `run \`npm run setup\` in ${directory}, or set NATS_SERVER_BIN to one >= 2.10.27`,
    ),
  );
});

test('where the scripts find none, each place has its reason', async () => {
  expect(await findForScripts(localPath(), undefined)).toEqual({
    tried: ['PATH: nats-server: not found', '.nats: nothing there yet'],
  });
});

async function findForStart(configuredPath?: string): Promise<NatsServer> {
  return findNatsServer({ configuredPath, packageRoot: directory });
}

async function findBeforeBuild(configuredPath?: string): Promise<NatsServer> {
  const { server } = await findForScripts(localPath(), configuredPath);
  return server ? { path: server.path, version: server.version } : expect.fail('No usable nats-server');
}

function localPath(): string {
  return join(directory, '.nats', 'nats-server');
}

async function serverAt(name: string, version: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`, { mode: 0o755 });
  return path;
}
