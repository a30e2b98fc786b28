import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { operations } from '../../../src/operation/registry.ts';
import { checkAnswer } from '../../operation/check-answer.ts';
import { heldBytes } from '../collect-garbage.ts';
import { openFuzzServer, type FuzzAnswer } from './open-fuzz-server.ts';
import { fuzzRequest } from './request-arbitrary.ts';

const requests = Number(process.env['FUZZ_REQUESTS'] ?? 5_000);
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_120);

/** After so many the data are what they were: what is accepted would make the store larger and larger. */
const roundLength = 200;

/** Texts that existing clients know to be answered with 500. */
const legacy500 = [
  "'hash_values' must be an array",
  "'get_attributes' must be an array",
  'username is required',
  'nothing to update, must supply active, role or password to update',
  'password cannot be an empty string',
  'If role is specified, it cannot be empty.',
  'active must be true or false',
];

/** A stack, or the place of a source file. */
const trace = /\bat \S+ \(|node_modules|node:internal|\.[jt]s:\d+/;

/** Never accepted here, and why. */
const neverAccepted: Readonly<Record<string, string>> = {
  csv_url_load: 'every address that the test may ask is private, which is refused before anything is sent',
  login: 'sessions are for pages of the node itself, and these requests come from none',
  logout: 'as login',
  refresh_operation_token: 'a refresh token cannot be guessed',
  retry_quarantined: 'the transaction in quarantine is one that cannot be read',
};

/*
 * Asked in part: `restart` and `restart_service` reach a process that notes nothing and goes on; the operations for
 * nodes reach a bridge in memory that says yes, so that no other host is dialled; `system_information` leaves out the
 * sections that start other programs to measure the machine.
 */
test(
  'whatever is asked, the answer is no bug and tells no stack, a refusal changes nothing, memory does not grow',
  { timeout: 60_000 + requests * 100 },
  async () => {
    console.log(`fuzz: ${requests} requests, seed ${seed}: FUZZ_REQUESTS and FUZZ_SEED set others`);
    await using server = await openFuzzServer();
    const accepted = new Set<string>();
    let early = 0;
    let sent = 0;

    await fc.assert(
      fc.asyncProperty(fuzzRequest, async (request) => {
        if (sent % roundLength === 0) await server.reset();
        // The first quarter fills what is only filled once.
        if (sent === Math.floor(requests / 4)) early = heldBytes();
        sent += 1;
        const before = server.digest();

        const answer = await server.send(request);

        const problem =
          problemOf(answer) ?? (answer.status !== 200 && server.digest() !== before && 'changed');
        if (problem)
          throw new Error(
            `${problem}: ${answer.status} ${answer.text.slice(0, 500)}\n${server.t.logged.at(-1) ?? ''}`,
          );
        if (answer.status !== 200) return;
        accepted.add(request.operation);
        if (answer.json !== undefined && request.damage === null) checkAnswer(request.body, answer.json);
      }),
      { numRuns: requests, seed },
    );

    await server.reset();
    let grown = Infinity;
    // What hangs on a connection or a finalizer goes a little later.
    await vi.waitFor(
      () => {
        grown = heldBytes() - early;
        expect(grown).toBeLessThan(8 * 2 ** 20);
      },
      { timeout: 10_000, interval: 200 },
    );
    console.log(`fuzz: memory has grown by ${Math.round(grown / 1024)} KiB`);
    // Else the requests were refused before they got anywhere. A short run has not the time for all.
    const names = operations.map(({ name }) => name).filter((name) => neverAccepted[name] === undefined);
    const missed = names.filter((name) => !accepted.has(name));
    expect(requests < 20_000 && missed.length < 15 ? [] : missed).toEqual([]);
    expect((await server.t.post({ operation: 'user_info' })).status).toBe(200);
  },
);

function problemOf({ status, text }: FuzzAnswer): string | undefined {
  if (trace.test(text)) return 'a stack in the answer';
  if (status < 500) return undefined;
  return status === 500 && legacy500.some((known) => text.includes(known))
    ? undefined
    : 'no refusal but a bug';
}
