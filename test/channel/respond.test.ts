import { pino } from 'pino';
import { expect, test } from 'vitest';
import { decodeBody, encodeBody, hello } from '../../src/channel/protocol.ts';
import { respond } from '../../src/channel/respond.ts';
import { CodedError } from '../../src/model/errors.ts';
import { decodeMessage } from '../../src/model/transaction-codec.ts';

const log = pino({ level: 'silent' });

/** A message of which the server carries no answer of more than so many bytes. */
function message(maxBytes: number, body: unknown = null) {
  const answers: unknown[] = [];
  return {
    answers,
    subject: 'svc.edge.hello',
    data: encodeBody(body),
    respond: (payload?: unknown) => {
      const bytes = payload as Uint8Array;
      if (bytes.length > maxBytes) throw new Error('max_payload size exceeded');
      answers.push(decodeMessage(bytes));
      return true;
    },
  };
}

test('a greeting with a hundred thousand faults is answered, in a few words', async () => {
  const asked = message(8 << 20, { links: Array.from({ length: 125_000 }, () => 1) });
  const answer = (_peer: unknown, _service: unknown, body: Uint8Array): Promise<unknown> =>
    Promise.resolve().then(() => decodeBody(hello, body));

  await respond(asked, { answer, log });

  const [told] = asked.answers as { error: string }[];
  expect(told?.error).toMatch(/^A message of another node is not as agreed: /);
  expect(told?.error.length).toBeLessThan(1_100);
});

test('names as long as a message are not said again', () => {
  const body = encodeBody({ heads: { ['x'.repeat(1 << 20)]: 1 } });

  expect(() => decodeBody(hello, body)).toThrow(/^.{1,1100}$/s);
});

test('what a peer says when it fails is not believed to any length', () => {
  expect(() => decodeBody(hello, encodeBody({ error: 'x'.repeat(1 << 20) }))).toThrow(/^x{1000}$/);
});

test('an answer that cannot be sent, and one that says so and cannot, end nothing', async () => {
  const tooLarge = message(1_000);
  await respond(tooLarge, { answer: () => Promise.resolve('x'.repeat(2_000)), log });
  expect(tooLarge.answers).toEqual([{ error: 'internal error' }]);

  const unable = message(0);
  const answer = (): Promise<never> => Promise.reject(new CodedError('forbidden', 'no'));
  await expect(respond(unable, { answer, log })).resolves.toBeUndefined();
});
