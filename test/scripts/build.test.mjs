import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { packedFiles } from './packed-files.mjs';
import { temporaryDirectory } from './temporary-directory.mjs';

/** A build is soon done, but not where much else runs. */
const limit = { timeout: 60_000 };
const root = fileURLToPath(new URL('../..', import.meta.url));

/** A project of two small programs that this build can build. */
class Project {
  static async make() {
    const directory = await temporaryDirectory();
    for (const name of ['scripts', 'src/cli', 'src/process'])
      await mkdir(join(directory, name), { recursive: true });
    for (const name of ['build.mjs', 'load-bundle.cjs', 'third-party-licences.mjs'])
      await copyFile(join(root, 'scripts', name), join(directory, 'scripts', name));
    await copyFile(join(root, 'package.json'), join(directory, 'package.json'));
    await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
    const project = new Project();
    project.directory = directory;
    project.bundles = join(directory, 'dist/process');
    project.compiled = join(directory, 'dist/compiled');
    await project.write("'one'");
    await writeFile(join(directory, 'src/process/bridge-main.ts'), 'console.log("bridge");\n');
    return project;
  }

  /** @param {string} expression what the part of the command line that is loaded later prints */
  async write(expression) {
    await writeFile(join(this.directory, 'src/cli/later.ts'), `export const says: string = ${expression};\n`);
    await writeFile(
      join(this.directory, 'src/cli/main.ts'),
      'setTimeout(() => void import("./later.ts").then(({ says }) => console.log(says)), Number(process.argv[2]));\n',
    );
  }

  build() {
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: this.directory, stdio: 'pipe' });
  }

  /** What the program prints. */
  run() {
    return execFileSync(process.execPath, ['dist/cli/main.js', '0'], {
      cwd: this.directory,
      encoding: 'utf8',
    });
  }

  async files() {
    const names = (await readdir(join(this.directory, 'dist'), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await readFile(name, 'utf8')])),
    );
  }

  async bundlesOf(name) {
    return (await readdir(this.bundles)).filter((file) => file.startsWith(`${name}-`));
  }
}

test(
  'what running programs may still load stays for a day after it was superseded, and is not packed',
  limit,
  async () => {
    const project = await Project.make();
    project.build();
    const [first] = await project.bundlesOf('later');
    const longAgo = new Date(Date.now() - 10 * 86_400_000);
    // The build was current until now, however old it is.
    for (const name of await readdir(project.bundles))
      await utimes(join(project.bundles, name), longAgo, longAgo);
    await project.write("'two'");

    project.build();

    expect(project.run()).toBe('two\n');
    expect(await project.bundlesOf('later')).toHaveLength(2);
    const [current] = (await project.bundlesOf('later')).filter((name) => name !== first);
    const packed = packedFiles(project.directory);
    expect(packed).toContain(`dist/process/${current}`);
    expect(packed).not.toContain(`dist/process/${first}`);
    expect(packed.filter((path) => path.startsWith('dist/compiled'))).toEqual([]);

    await utimes(join(project.bundles, first), longAgo, longAgo);
    project.build();

    expect(await project.bundlesOf('later')).not.toContain(first);
    expect(project.run()).toBe('two\n');
  },
);

test('a build that fails leaves what was there', limit, async () => {
  const project = await Project.make();
  project.build();
  const before = await project.files();
  await project.write('}');

  expect(() => project.build()).toThrow('Unexpected "}"');

  expect(await project.files()).toEqual(before);
});

test('what V8 has compiled stays with the bundle, and goes with it', limit, async () => {
  const project = await Project.make();
  project.build();
  project.run();
  const [first] = await project.bundlesOf('later');
  const kept = await readdir(project.compiled);

  project.build();
  expect(await readdir(project.compiled)).toEqual(kept);

  await rm(join(project.bundles, first));
  await project.write("'two'");
  project.build();
  const left = await readdir(project.compiled);
  expect(left.length).toBeGreaterThan(0);
  expect(left.filter((name) => name.startsWith(first))).toEqual([]);
});

test('another way to build gives bundles other names, though the sources are the same', limit, async () => {
  const project = await Project.make();
  project.build();
  const before = await project.bundlesOf('later');
  const script = join(project.directory, 'scripts/build.mjs');
  await writeFile(script, `${await readFile(script, 'utf8')}\n// Another line.\n`);

  project.build();

  expect((await project.bundlesOf('later')).filter((name) => !before.includes(name))).toHaveLength(1);
});
