// Builds what users run: each program with the packages that it uses in a few files, since to find and read a
// thousand takes as long as all else that a start does.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

rmSync(`${root}dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts', 'src/process/bridge-main.ts'],
  outbase: 'src',
  outdir: 'dist',
  // As deep as the sources: some look for files of the project beside themselves.
  chunkNames: 'process/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // They load what was compiled for this machine.
  external: ['lmdb', 'msgpackr', 'cbor-x', 'fs-native-extensions'],
  // For packages that still call it.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module';\nconst require = makeRequire(import.meta.url);",
  },
  legalComments: 'none',
  // A process keeps the text of what it has loaded. Names stay, and lines, for what a stack trace points at.
  minifyWhitespace: true,
  lineLimit: 110,
  logLevel: 'warning',
});
