import { expect, test } from 'vitest';
import { unexpectedIn } from './support/logs.ts';

const line = (fields: object): string => JSON.stringify({ time: '2026-01-01T00:00:00.000Z', ...fields });

test('what nobody should find in a log is found, and nothing else', () => {
  const expected = [
    line({ level: 'info', msg: 'node is ready' }),
    line({ level: 'warn', msg: 'loop body failed', err: { type: 'NoAnswerError' } }),
    line({ level: 'warn', msg: 'child process exited' }),
    '{"level":"info","ms',
  ];
  const unexpected = [
    line({ level: 'error', msg: 'service failed' }),
    line({ level: 'warn', msg: 'slow listener dropped' }),
    line({ level: 'warn', msg: 'loop body failed', err: { type: 'TypeError' } }),
  ];
  const log = [...expected, ...unexpected].map((text) => `${text}\n`).join('');
  const warning = '(node:1) MaxListenersExceededWarning: Possible EventTarget memory leak detected';

  const found = unexpectedIn({
    name: 'edge',
    log,
    printed: `edge is ready: http://127.0.0.1:1\n${warning}\n`,
  });

  expect(found).toEqual([...unexpected, warning].map((text) => `edge: ${text}`));
});
