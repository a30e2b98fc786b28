import { expect, test } from 'vitest';
import { checkProof, makeProof, makeVerifier } from '../../src/model/scram.ts';

/** The example of RFC 7677, section 3: user `user`, password `pencil`. */
const rfc7677 = {
  password: 'pencil',
  salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
  iterations: 4096,
  authMessage: [
    'n=user,r=rOprNGfwEbeRWgbNEkqO',
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  ].join(','),
  proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverSignature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};
const salt = Buffer.from(rfc7677.salt, 'base64');

test('makes the proof and the server signature of RFC 7677', async () => {
  const { password, iterations, authMessage } = rfc7677;

  expect(await makeProof(password, rfc7677.salt, iterations, authMessage)).toEqual({
    proof: rfc7677.proof,
    serverSignature: rfc7677.serverSignature,
  });
});

test('a server that holds only the verifier accepts that proof and gives that signature', async () => {
  const verifier = await makeVerifier(rfc7677.password, salt, rfc7677.iterations);

  expect(checkProof(verifier, rfc7677.proof, rfc7677.authMessage)).toBe(rfc7677.serverSignature);
});

test('the verifier does not hold the password, nor anything that makes a proof', async () => {
  const verifier = await makeVerifier(rfc7677.password, salt, rfc7677.iterations);

  expect(JSON.stringify(verifier)).not.toContain(rfc7677.password);
  for (const secret of [verifier.storedKey, verifier.serverKey])
    expect(checkProof(verifier, secret, rfc7677.authMessage)).toBeUndefined();
});

test.each(['Pencil', 'pencil ', '', 'pencil\u0001'])('password %j is refused', async (password) => {
  const verifier = await makeVerifier(rfc7677.password, salt, rfc7677.iterations);
  const { proof } = await makeProof(password, rfc7677.salt, rfc7677.iterations, rfc7677.authMessage);

  expect(checkProof(verifier, proof, rfc7677.authMessage)).toBeUndefined();
});

test('a proof is good for one message only', async () => {
  const verifier = await makeVerifier(rfc7677.password, salt, rfc7677.iterations);

  expect(checkProof(verifier, rfc7677.proof, `${rfc7677.authMessage} `)).toBeUndefined();
});

test.each(['', 'AA==', 'not base64 at all', Buffer.alloc(33).toString('base64')])(
  'proof %j is refused, not an error',
  async (proof) => {
    const verifier = await makeVerifier(rfc7677.password, salt, rfc7677.iterations);

    expect(checkProof(verifier, proof, rfc7677.authMessage)).toBeUndefined();
  },
);

test('a server without the right verifier cannot give the signature that the client expects', async () => {
  const { password, iterations, authMessage } = rfc7677;
  const stranger = await makeVerifier('another password', salt, iterations);
  const expected = await makeProof(password, rfc7677.salt, iterations, authMessage);
  const pretended = await makeProof('another password', rfc7677.salt, iterations, authMessage);

  expect(checkProof(stranger, pretended.proof, authMessage)).not.toBe(expected.serverSignature);
});

test('two spellings of one password are one password', async () => {
  const verifier = await makeVerifier('\u00e9', salt, 4096);
  const { proof } = await makeProof('e\u0301', rfc7677.salt, 4096, 'message');

  expect(checkProof(verifier, proof, 'message')).toBeDefined();
});
