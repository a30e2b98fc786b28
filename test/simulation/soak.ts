import { parseArgs } from 'node:util';
import { firstFailure } from './campaign.ts';

const help = `Usage: scripts/soak [options]

Runs simulated histories until told to stop (Ctrl-C), and tells the story of each that breaks an invariant.

  --histories N    ends after so many
  --from SEED      first seed (default: one drawn from the time)
  --keep-going     does not end with the first failure
  --help
`;

const { values } = parseArgs({
  options: {
    histories: { type: 'string' },
    from: { type: 'string' },
    'keep-going': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(help);
else await soak(Number(values.histories ?? Infinity), Number(values.from ?? Date.now() % 1_000_000_000));

async function soak(histories: number, firstSeed: number): Promise<void> {
  let isStopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (isStopped = true));
  const startedMs = performance.now();
  const failed: number[] = [];
  let ran = 0;
  let toldMs = startedMs;
  const tell = (): void => {
    const seconds = (performance.now() - startedMs) / 1000;
    process.stderr.write(
      `${ran} histories from seed ${firstSeed}, ${(ran / seconds).toFixed(0)} a second, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(' ')}` : ''}\n`,
    );
  };
  while (ran < histories && !isStopped) {
    const before = ran;
    const failure = await firstFailure({
      firstSeed: firstSeed + ran,
      histories: histories - ran,
      isOver: () => isStopped,
      onProgress: (done) => {
        ran = before + done;
        if (performance.now() - toldMs < 10_000) return;
        toldMs = performance.now();
        tell();
      },
    });
    if (!failure) break;
    failed.push(failure.seed);
    ran = failure.seed - firstSeed + 1;
    process.stdout.write(`${failure.story}\nPlan: ${JSON.stringify(failure.plan)}\n\n`);
    process.exitCode = 1;
    if (!values['keep-going']) break;
  }
  tell();
}
