import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import type { Failure } from './campaign.ts';
import type { RangeResult, SeedRange } from './soak-job.ts';

const help = `Usage: scripts/soak [options]

Runs simulated histories until told to stop (Ctrl-C), and tells the story of each that breaks an invariant.

  --histories N    ends after so many
  --from SEED      first seed (default: one drawn from the time)
  --jobs N         processes that share the seeds (default: 1)
  --keep-going     does not end with the first failure
  --help
`;

const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: 'Infinity' },
    from: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    jobs: { type: 'string', default: '1' },
    'keep-going': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** A second or less: so long it takes to stop. */
const atOnce = 100;

if (values.help) process.stdout.write(help);
else await soak(Number(values.from), Number(values.histories), Number(values.jobs));

async function soak(firstSeed: number, histories: number, jobs: number): Promise<void> {
  const startedMs = performance.now();
  const failed: number[] = [];
  let given = 0;
  let ran = 0;
  let isStopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (isStopped = true));

  const next = (): SeedRange | undefined => {
    if (isStopped || given >= histories) return undefined;
    const range = { firstSeed: firstSeed + given, histories: Math.min(atOnce, histories - given) };
    given += range.histories;
    return range;
  };
  const tell = (): void => {
    const seconds = (performance.now() - startedMs) / 1000;
    const failures = failed.length > 0 ? `${failed.length} failed: ${failed.join(' ')}` : 'none failed';
    const seeds = `seeds ${firstSeed} to ${firstSeed + given - 1}`;
    process.stderr.write(`${ran} histories, ${seeds}, ${(ran / seconds).toFixed(0)} a second, ${failures}\n`);
  };
  const note = (range: SeedRange, result: RangeResult): SeedRange | undefined => {
    ran += result.ran;
    if (!result.failure) return undefined;
    failed.push(result.failure.seed);
    print(result.failure);
    isStopped ||= !values['keep-going'];
    const left = range.histories - result.ran;
    return left > 0 && !isStopped ? { firstSeed: result.failure.seed + 1, histories: left } : undefined;
  };

  const progress = setInterval(tell, 10_000);
  try {
    await Promise.all(Array.from({ length: jobs }, async () => runJob(next, note)));
  } finally {
    isStopped = true;
    clearInterval(progress);
    tell();
  }
  if (failed.length > 0) process.exitCode = 1;
}

/** Runs ranges in a process of its own until there is none; `note` says what is left of one that failed. */
async function runJob(
  next: () => SeedRange | undefined,
  note: (range: SeedRange, result: RangeResult) => SeedRange | undefined,
): Promise<void> {
  const child = fork(new URL('soak-job.ts', import.meta.url));
  let range = next();
  const ended = once(child, 'exit');
  const died = ended.then(async ([status]) => {
    throw new Error(
      `A job ended with status ${status} within ${range?.histories} seeds from ${range?.firstSeed}`,
    );
  });
  while (range) {
    child.send(range);
    const [result] = (await Promise.race([once(child, 'message'), died])) as [RangeResult];
    range = note(range, result) ?? next();
  }
  died.catch(() => {});
  child.disconnect();
  await ended;
}

function print({ story, plan }: Failure): void {
  process.stdout.write(`${story}\nPlan: ${JSON.stringify(plan)}\n\n`);
}
