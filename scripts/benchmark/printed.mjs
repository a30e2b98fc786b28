/**
 * Waits until a program prints what it prints when it is ready.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {{ name: string, pattern: RegExp, limitMs: number }} options
 * @returns {Promise<RegExpExecArray>}
 * @throws an Error with the last of its output when it ends, or prints nothing of the kind in time
 */
export function printed(child, { name, pattern, limitMs }) {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (/** @type {string} */ why) => {
      clearTimeout(timer);
      reject(new Error(`${name} ${why}: ${output.trim()}`));
    };
    const timer = setTimeout(() => fail('was not ready in time'), limitMs);
    child.once('error', (error) => fail(`did not start (${error.message})`));
    child.once('exit', (status) => fail(`ended with status ${status}`));
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text) => {
        output = (output + text).slice(-4_000);
        const found = pattern.exec(output);
        if (!found) return;
        clearTimeout(timer);
        resolve(found);
      });
  });
}
