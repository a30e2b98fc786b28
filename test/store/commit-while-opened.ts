import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';

// Run by `opened-by-another.test.ts` as a process of its own, because lmdb crashes where nobody holds back: counts in
// commits while other processes open the environment slowly, and tells what was lost of what was acknowledged.
const [path = '', opensWanted = '5', hold = 'hold'] = process.argv.slice(2);
const environment = new LmdbEnvironment({ path, mapSizeBytes: 2 ** 28 });
const { meta } = environment.trees;
const opener = fileURLToPath(new URL('open-elsewhere.ts', import.meta.url));
// What it maps comes late: between its reading of the newest transaction's number and its writing it back.
const slowly = ['-f', '-o', '/dev/null', '-e', 'trace=mmap', '-e', 'inject=mmap:delay_enter=4000'];

let isOver = false;
async function openAgainAndAgain(): Promise<void> {
  for (let opens = 0; opens < Number(opensWanted); opens += 1) {
    const goOn = hold === 'hold' ? await environment.hold() : () => {};
    const child = spawn('strace', [...slowly, process.execPath, '--import', 'tsx', opener, path], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [status, signal] = await once(child, 'exit');
    goOn();
    // It ends itself once it has opened, and strace ends as what it traced; where strace may not trace nothing was opened.
    if (signal !== 'SIGKILL')
      throw new Error(`The opener ended with ${status ?? signal} before it had opened the store`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  isOver = true;
}

const opening = openAgainAndAgain();
let acknowledged = 0;
let lost = 0;
while (!isOver) {
  const before = await environment.commit(() => {
    const stored = meta.get('count')?.readUInt32BE() ?? 0;
    const value = Buffer.alloc(4);
    value.writeUInt32BE(stored + 1);
    meta.putSync('count', value);
    return stored;
  });
  lost += acknowledged - before;
  acknowledged = before + 1;
}
await opening;
await environment[Symbol.asyncDispose]();
process.stdout.write(JSON.stringify({ acknowledged, lost }));
