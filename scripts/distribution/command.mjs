import { execFile } from 'node:child_process';

/**
 * Runs a program to its end and returns what it printed.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ cwd?: string, timeoutMs?: number }} [options]
 * @returns {Promise<string>}
 * @throws an Error of one line: the program and the last thing it said
 */
export function run(file, args, { cwd, timeoutMs = 10_000 } = {}) {
  // Messages of apt and tar are shown to the user as they are, so they should be the same everywhere.
  const env = { ...process.env, LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd, env, timeout: timeoutMs, maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      reject(new Error(`${file}: ${reasonOf(error, stderr, timeoutMs)}`, { cause: error }));
    });
  });
}

/**
 * @param {import('node:child_process').ExecFileException} error
 * @param {string} stderr
 * @param {number} timeoutMs
 */
function reasonOf(error, stderr, timeoutMs) {
  if (error.code === 'ENOENT') return 'not found';
  if (error.code === 'EACCES') return 'not executable';
  if (error.killed) return `no answer within ${timeoutMs / 1000} s`;
  const lines = stderr.trim().split('\n').filter(Boolean);
  return (
    lines.find((line) => line.startsWith('E:')) ?? lines.at(-1) ?? `ended with ${error.code ?? error.signal}`
  );
}
