import { pino } from 'pino';
import { expect, test } from 'vitest';
import { hello } from '../../src/channel/hello.ts';
import { decodeBody, encodeBody } from '../../src/channel/message-body.ts';
import { Responder } from '../../src/channel/responder.ts';
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

  await new Responder({ answer, log }).respond(asked);

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
  await new Responder({ answer: () => Promise.resolve('x'.repeat(2_000)), log }).respond(tooLarge);
  expect(tooLarge.answers).toEqual([{ error: 'internal error' }]);

  const unable = message(0);
  const answer = (): Promise<never> => Promise.reject(new CodedError('forbidden', 'no'));
  await expect(new Responder({ answer, log }).respond(unable)).resolves.toBeUndefined();
});

test('whoever asks, and whatever, writes a few lines in a minute: who has no key cannot fill the disk', async () => {
  const lines: Record<string, unknown>[] = [];
  const told = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const answer = (_peer: unknown, service: string): Promise<unknown> =>
    Promise.reject(service === 'hello' ? new Error('a bug') : new CodedError('forbidden', 'no'));
  const responder = new Responder({ answer, log: told });

  for (let count = 0; count < 1_000; count += 1)
    for (const subject of ['svc.join', 'svc.edge.hello', 'svc.edge.pull'])
      await responder.respond({ ...message(count % 2 === 0 ? 0 : 1_000), subject });

  const written = (level: number, caller: string): number =>
    lines.filter((line) => line['level'] === level && line['peer'] === caller).length;
  expect(lines).toHaveLength(25);
  expect([written(30, 'join'), written(30, 'edge'), written(50, 'edge')]).toEqual([5, 5, 5]);
  expect([written(40, 'join'), written(40, 'edge')]).toEqual([5, 5]);
});
