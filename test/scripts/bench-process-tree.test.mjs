import { expect, test } from 'vitest';
import { ownKibIn } from '../../scripts/benchmark/process-tree.mjs';

test('neither a mapped store nor shared buffers count as what a process has for itself', () => {
  const status = [
    'VmHWM:\t  500000 kB',
    'VmRSS:\t  431100 kB',
    'RssAnon:\t   31100 kB',
    'RssFile:\t  150000 kB',
    'RssShmem:\t  250000 kB',
    '',
  ].join('\n');

  expect(ownKibIn(status)).toBe(31_100);
});
