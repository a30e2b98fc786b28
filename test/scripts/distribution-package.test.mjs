import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { fetchPackage, findArchive } from '../../scripts/distribution/package.mjs';
import { temporaryDirectory } from './temporary-directory.mjs';

const hasApt = ['apt-get', 'dpkg-deb'].every((program) => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

afterEach(() => vi.unstubAllEnvs());

describe.skipIf(!hasApt)('packages of a distribution', () => {
  test('every source with the suite of the release is one to ask, whoever owns it', async () => {
    const etc = await temporaryDirectory();
    await mkdir(join(etc, 'apt', 'sources.list.d'), { recursive: true });
    await writeFile(join(etc, 'os-release'), 'ID=ubuntu\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n');
    const list = (name, text) => writeFile(join(etc, 'apt', 'sources.list.d', name), text);
    await list('docker.list', 'deb https://docker.example/linux/ubuntu noble stable\n');
    await list('other.list', 'deb https://other.example/ubuntu jammy main\n');
    await list(
      'ubuntu.sources',
      'Types: deb\nURIs: http://mirror.example/ubuntu\nSuites: noble noble-updates\n',
    );

    const { own, sources } = await findArchive(etc);

    expect(own).toBe('noble');
    expect(sources.map(({ uri }) => uri)).toEqual([
      'https://docker.example/linux/ubuntu',
      'http://mirror.example/ubuntu',
    ]);
  });

  test('sources are asked in turn until one has the package, by whatever name the suite calls itself', async () => {
    const directory = await temporaryDirectory();
    const foreign = await makeArchive(join(directory, 'foreign'), 'another-package');
    const own = await makeArchive(join(directory, 'own'), 'wanted-package');
    await mkdir(join(directory, 'work'));

    const root = await fetchPackage(join(directory, 'work'), 'wanted-package', 'devel', {
      components: 'main',
      sources: [foreign, own],
    });

    expect(await readFile(join(root, 'usr/share/wanted-package'), 'utf8')).toBe('of wanted-package\n');
  });

  test('what the machine prefers among its own suites does not count', async () => {
    const directory = await temporaryDirectory();
    const own = await makeArchive(join(directory, 'own'), 'wanted-package');
    const preferences = join(directory, 'preferences');
    await writeFile(preferences, 'Package: *\nPin: release n=zesty\nPin-Priority: -1\n');
    const settings = join(directory, 'machine.conf');
    await writeFile(
      settings,
      `APT::Default-Release "bookworm";\nDir::Etc::preferences "${preferences}";\nAcquire::Languages "none";\n`,
    );
    vi.stubEnv('APT_CONFIG', settings);

    const root = await fetchPackage(directory, 'wanted-package', 'devel', {
      components: 'main',
      sources: [own],
    });

    expect(await readFile(join(root, 'usr/share/wanted-package'), 'utf8')).toBe('of wanted-package\n');
  });

  test('a package that no source has is an error with what each said', async () => {
    const directory = await temporaryDirectory();
    const own = await makeArchive(join(directory, 'own'), 'another-package');
    const missing = { uri: `file:${directory}/nowhere`, suites: ['zesty'] };

    await expect(
      fetchPackage(directory, 'wanted-package', 'devel', { components: 'main', sources: [missing, own] }),
    ).rejects.toThrow(/nowhere.*; .*wanted-package/);
  });
});

/**
 * An archive of one package that is reached as `devel`, and calls itself `zesty`.
 *
 * @param {string} directory
 * @param {string} name of the package
 */
async function makeArchive(directory, name) {
  const content = join(directory, 'content');
  await mkdir(join(content, 'DEBIAN'), { recursive: true });
  await mkdir(join(content, 'usr/share'), { recursive: true });
  const control = `Package: ${name}\nVersion: 1.0\nArchitecture: all\nMaintainer: Test <test@example.org>\nDescription: test\n`;
  await writeFile(join(content, 'DEBIAN/control'), control);
  await writeFile(join(content, 'usr/share', name), `of ${name}\n`);
  execFileSync('dpkg-deb', ['--build', content, join(directory, 'package.deb')], { stdio: 'ignore' });
  const processor = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
  const lists = `main/binary-${processor}`;
  await mkdir(join(directory, 'dists/devel', lists), { recursive: true });
  const bytes = await readFile(join(directory, 'package.deb'));
  const packages = `${control}Filename: package.deb\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
  await writeFile(join(directory, 'dists/devel', lists, 'Packages'), packages);
  const sums = ` ${sha256(packages)} ${packages.length} ${lists}/Packages\n`;
  await writeFile(
    join(directory, 'dists/devel/Release'),
    `Suite: zesty\nCodename: zesty\nArchitectures: ${processor}\nComponents: main\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n${sums}`,
  );
  return { uri: `file:${directory}`, suites: ['zesty'], isTrusted: true };
}

/** @param {string | Buffer} bytes */
function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
