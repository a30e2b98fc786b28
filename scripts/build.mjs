// Builds what users run: each program with the packages that it uses in a few files, since to find and read a
// thousand takes as long as all else that a start does.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}dist`;
const programs = ['src/cli/main.ts', 'src/process/bridge-main.ts'];
const shared = /** @type {const} */ ({
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  // A process keeps the text of what it has loaded. Names stay, and lines, for what a stack trace points at.
  minifyWhitespace: true,
  lineLimit: 110,
  logLevel: 'warning',
});

rmSync(dist, { recursive: true, force: true });
// As deep as the sources: some look for files of the project beside themselves.
for (const directory of ['cli', 'process']) mkdirSync(`${dist}/${directory}`, { recursive: true });
writeFileSync(`${dist}/package.json`, '{ "type": "commonjs" }\n');
copyFileSync(`${root}scripts/load-bundle.cjs`, `${dist}/load-bundle.cjs`);

const { outputFiles, metafile } = await build({
  ...shared,
  absWorkingDir: root,
  entryPoints: programs,
  outdir: 'dist/process',
  entryNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  // They load what was compiled for this machine.
  external: ['lmdb', 'msgpackr', 'cbor-x', 'fs-native-extensions'],
  define: { 'import.meta.url': 'bundleUrl' },
  metafile: true,
  write: false,
});
// esbuild splits only modules, and V8 lets us keep what it has compiled only of scripts.
for (const { path, text } of outputFiles) {
  const { code } = await transform(text, {
    ...shared,
    format: 'cjs',
    supported: { 'dynamic-import': false },
  });
  const url = "const bundleUrl = require('node:url').pathToFileURL(__filename).href;";
  writeFileSync(path, `(function (exports, require, module, __filename) { 'use strict'; ${url}\n${code}})\n`);
}
for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
  if (entryPoint === undefined || !programs.includes(entryPoint)) continue;
  const program = `${dist}/${entryPoint.slice('src/'.length).replace(/ts$/, 'js')}`;
  const bundle = JSON.stringify(`process/${basename(path)}`);
  writeFileSync(program, `#!/usr/bin/env node\nrequire('../load-bundle.cjs')(${bundle});\n`, { mode: 0o755 });
}
