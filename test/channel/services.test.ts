import { expect, test } from 'vitest';
import { encodeBody } from '../../src/channel/message-body.ts';
import { answerService, type ServiceContext } from '../../src/channel/services.ts';

/** All that a caller without a key can reach. */
const context = {
  join: { answer: (request: unknown) => Promise.resolve({ asked: request }) },
} as unknown as ServiceContext;

const join = {
  step: 'first',
  user: 'u'.repeat(1_000),
  name: 'n'.repeat(200),
  nkey: 'k'.repeat(1_000),
  nonce: 'o'.repeat(1_000),
  addedVersion: 1,
};

test('a caller without a key may say as much as a join needs, and no more is looked at', async () => {
  const ask = (message: object): Promise<unknown> =>
    answerService({ peer: undefined, service: 'join', body: encodeBody(message) }, context);

  expect(await ask(join)).toEqual({ asked: join });
  await expect(ask({ ...join, more: Array.from({ length: 20_000 }, () => ({})) })).rejects.toMatchObject({
    code: 'forbidden',
  });
});

test('a join of a few bytes that announce a lot is refused', async () => {
  const body = Buffer.from('dd01ffffff'.repeat(16), 'hex');

  await expect(answerService({ peer: undefined, service: 'join', body }, context)).rejects.toMatchObject({
    code: 'undecodable',
  });
});
