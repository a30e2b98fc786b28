import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { makeCertificate } from '../../src/stream/make-certificate.ts';

test('a certificate is valid whatever the clock of a device says', async () => {
  const { certificate } = await makeCertificate('edge');

  const { validFrom, validTo } = new X509Certificate(certificate);
  expect([validFrom, validTo]).toEqual(['Jan  1 00:00:00 1970 GMT', 'Dec 31 23:59:59 9999 GMT']);
});
