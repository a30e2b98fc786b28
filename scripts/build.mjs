// Builds what users run: each program with the packages that it uses in a few files, since to find and read a
// thousand takes as long as all else that a start does.
//
// Nodes may run what is there. So nothing of it is touched before everything new is made, each file is replaced whole,
// and what is no longer current stays for a day: a running node loads some of its bundles only when it needs them.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform, version } from 'esbuild';
import { thirdPartyLicences } from './third-party-licences.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}dist`;
/** What is installed with the package: they load what was compiled for this machine. All others are bundled. */
const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const programs = ['src/cli/main.ts', 'src/process/bridge-main.ts'];
const supersededForMs = 86_400_000;
const shared = /** @type {const} */ ({
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  // A process keeps the text of what it has loaded. Names stay, and lines, for what a stack trace points at.
  minifyWhitespace: true,
  lineLimit: 110,
  logLevel: 'warning',
});

const { outputFiles, metafile } = await build({
  ...shared,
  absWorkingDir: root,
  entryPoints: programs,
  outdir: 'dist/process',
  entryNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  external: Object.keys(dependencies),
  define: { 'import.meta.url': 'bundleUrl' },
  // How it is built is part of the name, so that one name has one text: by it is kept what V8 has compiled.
  banner: { js: `/* ${version} ${sha256(readFileSync(fileURLToPath(import.meta.url)))} */` },
  metafile: true,
  write: false,
});
/** @type {Map<string, string>} what to write, by its place in `dist` and in this order: starters name the bundles */
const files = new Map();
// esbuild splits only modules, and V8 lets us keep what it has compiled only of scripts.
for (const { path, text } of outputFiles) {
  const { code } = await transform(text, {
    ...shared,
    format: 'cjs',
    supported: { 'dynamic-import': false },
  });
  const url = "const bundleUrl = require('node:url').pathToFileURL(__filename).href;";
  files.set(
    `process/${basename(path)}`,
    `(function (exports, require, module, __filename) { 'use strict'; ${url}\n${code}})\n`,
  );
}
files.set('third-party-licences.txt', thirdPartyLicences(root, Object.keys(metafile.inputs)));
files.set('package.json', '{ "type": "commonjs" }\n');
files.set('load-bundle.cjs', readFileSync(`${root}scripts/load-bundle.cjs`, 'utf8'));
/** As deep as the sources: some look for files of the project beside themselves. */
const starters = Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) => {
  if (entryPoint === undefined || !programs.includes(entryPoint)) return [];
  const bundle = JSON.stringify(`process/${basename(path)}`);
  const starter = entryPoint.slice('src/'.length).replace(/ts$/, 'js');
  files.set(starter, `#!/usr/bin/env node\nrequire('../load-bundle.cjs')(${bundle});\n`);
  return [starter];
});

for (const directory of ['cli', 'process']) mkdirSync(`${dist}/${directory}`, { recursive: true });
// npm leaves out of a package what is in this list.
const listPath = `${dist}/process/.npmignore`;
const listed = linesOf(listPath);
for (const [file, text] of files) replace(`${dist}/${file}`, text, starters.includes(file) ? 0o755 : 0o644);
const superseded = supersede();
replace(listPath, superseded.map((name) => `${name}\n`).join(''), 0o644);
removeCompiled();

/**
 * Sees to what is no longer current, and removes it when it has been that for a day.
 *
 * @returns the names of what stays
 */
function supersede() {
  const now = new Date();
  return namesIn(`${dist}/process`).filter((name) => {
    if (files.has(`process/${name}`) || name === basename(listPath)) return false;
    const path = `${dist}/process/${name}`;
    if (!listed.includes(name)) utimesSync(path, now, now);
    else if (now.getTime() - statSync(path).mtimeMs > supersededForMs) {
      rmSync(path, { force: true });
      return false;
    }
    return true;
  });
}

/** What V8 has compiled of bundles that are gone. */
function removeCompiled() {
  const bundles = new Set(namesIn(`${dist}/process`));
  for (const name of namesIn(`${dist}/compiled`))
    if (!bundles.has(name.replace(/-[\d.]+$/, ''))) rmSync(`${dist}/compiled/${name}`, { force: true });
}

/**
 * Whoever reads the file meanwhile sees all of the old text or all of the new one.
 *
 * @param {string} path
 * @param {string} text
 * @param {number} mode
 */
function replace(path, text, mode) {
  const half = `${dist}/process/half.${process.pid}`;
  writeFileSync(half, text, { mode });
  renameSync(half, path);
}

/** @param {Buffer} bytes */
function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** @param {string} directory */
function namesIn(directory) {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** @param {string} path */
function linesOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
}
