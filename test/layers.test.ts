import { readFileSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, test } from 'vitest';

// prettier-ignore
const LAYERS: Readonly<Record<string, number>> = {
  runtime: 0, model: 0, config: 1, store: 2, stream: 2, operation: 3, channel: 3, http: 4, process: 5, cli: 6,
};

test('a folder imports only from itself and from folders of a lower layer', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );

  expect(files.flatMap((file) => forbiddenImports(file, readFileSync(`src/${file}`, 'utf8')))).toEqual([]);
});

test('every folder of src has a layer', () => {
  const folders = readdirSync('src').filter((name) => !name.includes('.'));

  expect(folders.filter((name) => LAYERS[name] === undefined)).toEqual([]);
});

test.each([
  ['store/table.ts', `import { log } from '../runtime/log.ts'; import './index-tree.ts';`, []],
  ['model/change.ts', `import { type Table } from '../store/table.ts';`, ['store/table.ts']],
  ['store/table.ts', `export * from '../stream/writer.ts';`, ['stream/writer.ts']],
  ['model/change.ts', `const log = await import('../runtime/log.ts');`, ['runtime/log.ts']],
  [
    'http/server.ts',
    `import '../process/api.ts';\nimport type {\n  A,\n} from "../cli/main.ts";`,
    ['process/api.ts', 'cli/main.ts'],
  ],
  ['runtime/start.ts', `import { a } from '../nowhere/a.ts';`, ['nowhere/a.ts']],
])('in %s, %s breaks the rule for %j', (file, text, expected) => {
  expect(forbiddenImports(file, text)).toEqual(expected.map((target) => `${file} -> ${target}`));
});

function forbiddenImports(file: string, text: string): string[] {
  const imports = [...text.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)];
  const targets = imports.map(([, specifier = '']) => posix.join(posix.dirname(file), specifier));
  return targets
    .filter((target) => !isAllowed(folderOf(file), folderOf(target)))
    .map((target) => `${file} -> ${target}`);
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function isAllowed(from: string, to: string): boolean {
  return from === to || (LAYERS[to] ?? Infinity) < (LAYERS[from] ?? -1);
}
