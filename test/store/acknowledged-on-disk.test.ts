import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { TemporaryDirectory } from './test-store.ts';

const program = fileURLToPath(new URL('acknowledge.ts', import.meta.url));
const hasStrace = spawnSync('strace', ['-V']).status === 0;
const writes = ['write', 'writev', 'pwrite64', 'pwritev'];
const syncs = ['fsync', 'fdatasync', 'msync'];

/** A call of the kernel; the places in the trace tell which had ended before another began. */
interface Call {
  readonly name: string;
  readonly text: string;
  readonly begun: number;
  readonly ended: number;
}

test.runIf(hasStrace)(
  'what is acknowledged, or seen by anybody, is on disk by then, also where a sync takes long',
  async () => {
    const calls = await traced(3);
    const ofData = calls.filter(({ text }) => text.includes('/lyre.mdb>'));
    const opened = ofData.filter(({ name, text }) => name === 'openat' && text.includes('O_DSYNC'));
    // Through such a handle LMDB writes the page that makes a commit count: it is on disk when the call ends.
    const durable = new Set(opened.map(({ text }) => / = (\d+)</.exec(text)?.[1]));
    const isDurable = ({ text }: Call): boolean => durable.has(/^\d+/.exec(text)?.[0]);

    for (const id of [1, 2, 3]) {
      const begun = said(calls, `begun ${id}`).ended;
      const told = Math.min(said(calls, `seen ${id}`).begun, said(calls, `acknowledged ${id}`).begun);
      const before = ofData.filter((call) => begun < call.begun && call.begun < told);
      const written = before.filter(({ name }) => writes.includes(name));
      const contents = written.filter((call) => !isDurable(call)).map(({ ended }) => ended);
      expect(contents.length, `writes of record ${id}`).toBeGreaterThan(0);
      const sync = before.find(
        (call) => syncs.includes(call.name) && call.begun > Math.max(...contents) && call.ended < told,
      );
      expect(sync, `the sync of record ${id}, after its contents`).toBeDefined();
      const head = written.find((call) => isDurable(call) && call.begun > (sync?.ended ?? Infinity));
      expect(head?.ended, `the page that makes record ${id} count, after the sync`).toBeLessThan(told);
    }
  },
  60_000,
);

/** What `acknowledge.ts` does with files while each sync of its disk takes a tenth of a second. */
async function traced(records: number): Promise<readonly Call[]> {
  await using directory = await TemporaryDirectory.make();
  const trace = join(directory.path, 'trace');
  const slowly = ['-e', `inject=${syncs.join(',')}:delay_enter=100000`];
  const what = ['-f', '-y', '-o', trace, '-e', `trace=openat,${[...writes, ...syncs].join(',')}`, ...slowly];
  const data = join(directory.path, 'data');
  // What it traced ends by itself.
  const options = { timeout: 50_000, killSignal: 'SIGKILL' } as const;
  const args = [...what, process.execPath, '--import', 'tsx', program, data, String(records)];
  await promisify(execFile)('strace', args, options);
  return callsOf(readFileSync(trace, 'utf8'));
}

function said(calls: readonly Call[], line: string): Call {
  const call = calls.find(({ name, text }) => name === 'write' && text.includes(`"${line}\\n"`));
  return call ?? expect.fail(`nobody said '${line}'`);
}

/** A call during which another thread made one stands on two lines. */
function callsOf(trace: string): readonly Call[] {
  const open = new Map<string, Omit<Call, 'ended'>>();
  return trace.split('\n').flatMap((line, place) => {
    const [, thread = '', isResumed, name, text = ''] =
      /^(\d+) +(?:(<\.\.\.) \w+ resumed>|(\w+)\()(.*)$/.exec(line) ?? [];
    const first = open.get(thread);
    if (isResumed !== undefined && first) return [{ ...first, text: first.text + text, ended: place }];
    if (name === undefined) return [];
    const call = { name, text, begun: place };
    if (!text.endsWith('<unfinished ...>')) return [{ ...call, ended: place }];
    open.set(thread, call);
    return [];
  });
}
