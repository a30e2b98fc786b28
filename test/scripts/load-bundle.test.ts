import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { TemporaryDirectory } from '../store/test-store.ts';

const loader = fileURLToPath(new URL('../../scripts/load-bundle.cjs', import.meta.url));

/** A program of two bundles, which load each other as those of esbuild do. */
class Program implements AsyncDisposable {
  readonly #directory: TemporaryDirectory;
  readonly compiled: string;

  private constructor(directory: TemporaryDirectory) {
    this.#directory = directory;
    this.compiled = join(directory.path, 'compiled');
    mkdirSync(join(directory.path, 'process'));
    copyFileSync(loader, join(directory.path, 'load-bundle.cjs'));
    this.write(
      'main-1.js',
      "exports.own = 'main'; console.log(require('./shared-1.js').words(), __filename);",
    );
    this.write(
      'shared-1.js',
      "const { sep } = require('node:path'); exports.words = () => require('./main-1.js').own + sep + 'shared';",
    );
  }

  static async make(): Promise<Program> {
    return new Program(await TemporaryDirectory.make());
  }

  write(name: string, text: string): void {
    const bundle = `(function (exports, require, module, __filename) { ${text} })`;
    writeFileSync(join(this.#directory.path, 'process', name), bundle);
  }

  /** What it prints. */
  run(...flags: readonly string[]): string {
    const start = "require('./load-bundle.cjs')('process/main-1.js')";
    return execFileSync(process.execPath, [...flags, '-e', start], {
      cwd: this.#directory.path,
      encoding: 'utf8',
    });
  }

  get says(): string {
    return `main/shared ${join(this.#directory.path, 'process', 'main-1.js')}\n`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}

test('a bundle runs the same without and with what was compiled of it', async () => {
  await using program = await Program.make();

  expect(program.run()).toBe(program.says);
  const kept = readdirSync(program.compiled).toSorted();
  const written = kept.map((name) => readFileSync(join(program.compiled, name)));
  expect(program.run()).toBe(program.says);

  expect(kept.map((name) => name.replace(/\d+$/, ''))).toEqual(['main-1.js-', 'shared-1.js-']);
  // Nobody has written it again: it was taken.
  expect(kept.map((name) => readFileSync(join(program.compiled, name)))).toEqual(written);
});

test('what was compiled with other flags is another file', async () => {
  await using program = await Program.make();
  program.run();

  expect(program.run('--max-semi-space-size=32')).toBe(program.says);

  expect(readdirSync(program.compiled)).toHaveLength(4);
});

test.each([
  ['empty', () => Buffer.alloc(0)],
  ['nothing but zeros', () => Buffer.alloc(4_096)],
  ['no code', () => Buffer.from('not what V8 has compiled')],
  ['changed in one bit', (kept: Buffer) => kept.fill((kept[200] ?? 0) ^ 1, 200, 201)],
])('what was compiled and is %s is compiled again', async (_, damaged) => {
  await using program = await Program.make();
  program.run();
  const files = readdirSync(program.compiled).map((name) => join(program.compiled, name));
  for (const file of files) writeFileSync(file, damaged(readFileSync(file)));
  const damage = files.map((file) => readFileSync(file));

  expect(program.run()).toBe(program.says);

  for (const [index, file] of files.entries()) expect(readFileSync(file)).not.toEqual(damage[index]);
});

test('what could be written only in part does not stay', async () => {
  await using program = await Program.make();
  program.run();
  const files = readdirSync(program.compiled);
  for (const name of files) {
    rmSync(join(program.compiled, name));
    mkdirSync(join(program.compiled, name, 'in-the-way'), { recursive: true });
  }

  expect(program.run()).toBe(program.says);

  expect(readdirSync(program.compiled)).toEqual(files);
});

test('where nothing can be kept, every start compiles', async () => {
  await using program = await Program.make();
  writeFileSync(program.compiled, 'in the way of the directory');

  expect(program.run()).toBe(program.says);
  expect(program.run()).toBe(program.says);
});
