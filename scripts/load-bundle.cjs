// Runs what `build.mjs` has bundled.
//
// To compile is much of what a start does. So the first process that runs a bundle keeps beside it what V8 has compiled
// of it, for those that start later. It fits one version of V8, its flags and this very text; what does not
// fit is refused, and compiled as if there were none.
const { createHash } = require('node:crypto');
const {
  accessSync,
  constants,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const path = require('node:path');
const { cachedDataVersionTag } = require('node:v8');
const { Script } = require('node:vm');

/** By then everything that a start needs has run, and so has been compiled; before, at least what loads it. */
const keepAfterMs = 3_000;
/** Of SHA-1. */
const checksumBytes = 20;

/** @type {Map<string, { exports: unknown }>} */
const loaded = new Map();

/**
 * What a bundle exports.
 *
 * @param {string} name its place in this directory
 */
function loadBundle(name) {
  const known = loaded.get(name);
  if (known) return known.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  const filename = path.join(__dirname, name);
  const tag = cachedDataVersionTag();
  const compiled = path.join(__dirname, 'compiled', `${path.basename(name)}-${tag}`);
  const cachedData = readKept(compiled);
  // esbuild writes ASCII; this is the quickest way to read it.
  const text = readFileSync(filename, 'latin1');
  const script = new Script(text, { filename, ...(cachedData ? { cachedData } : {}) });
  /** @param {string} wanted */
  const requireFrom = (wanted) =>
    wanted.startsWith('./') ? loadBundle(path.join(path.dirname(name), wanted)) : require(wanted);
  script.runInThisContext()(module.exports, requireFrom, module, filename);
  if (!cachedData || script.cachedDataRejected) {
    // What is written says with which flags, and somebody may have changed them.
    const keepThis = () => tag === cachedDataVersionTag() && keep(script, compiled);
    keepThis();
    setTimeout(keepThis, keepAfterMs).unref();
  }
  return module.exports;
}

/**
 * What was kept, if it is there and whole: V8 itself would run what a bad disk has made of it.
 *
 * @param {string} file
 */
function readKept(file) {
  try {
    const kept = readFileSync(file);
    const data = kept.subarray(checksumBytes);
    return checksumOf(data).equals(kept.subarray(0, checksumBytes)) ? data : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {Script} script
 * @param {string} file
 */
function keep(script, file) {
  const half = `${file}.${process.pid}`;
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    accessSync(path.dirname(file), constants.W_OK);
    const data = script.createCachedData();
    writeFileSync(half, Buffer.concat([checksumOf(data), data]));
    renameSync(half, file);
  } catch {
    // Whoever may not write here compiles at every start.
    remove(half);
  }
}

/**
 * A full disk keeps what it had room for: that must not become more with each start.
 *
 * @param {string} file
 */
function remove(file) {
  try {
    rmSync(file, { force: true });
  } catch {
    // Nor may it be removed, then.
  }
}

/** @param {Buffer} data */
function checksumOf(data) {
  return createHash('sha1').update(data).digest();
}

module.exports = loadBundle;
