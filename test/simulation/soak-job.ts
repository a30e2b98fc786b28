import { firstFailure, type Failure } from './campaign.ts';

/** Seeds that one job runs in one go. */
export interface SeedRange {
  readonly firstSeed: number;
  readonly histories: number;
}

/** How far it came: to its end, or to the first seed that failed. */
export interface RangeResult {
  readonly ran: number;
  readonly failure: Failure | undefined;
}

// A process of `soak.ts`, which hands it one range after the other and ends it by closing the channel between them:
// Ctrl-C reaches both, and what is under way is brought to its end.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('message', (range: SeedRange) => void run(range));

async function run(range: SeedRange): Promise<void> {
  const failure = await firstFailure(range);
  const ran = failure ? failure.seed - range.firstSeed + 1 : range.histories;
  process.send?.({ ran, failure } satisfies RangeResult);
}
