import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('docs/failure-modes.md quotes titles that stand in the tests that it names', () => {
  const page = readFileSync('docs/failure-modes.md', 'utf8');
  const quoted = [
    ...page.matchAll(/`([\w./-]+\.test\.ts)` › (“[^”]*”(?:(?: \([^)]*\))?, “[^”]*”)*)/g),
  ].flatMap(([, file = '', titles = '']) =>
    [...titles.matchAll(/“([^”]*)”/g)].map(([, title = '']) => ({ file, title })),
  );

  expect(quoted.length).toBeGreaterThan(150);
  expect(quoted.filter(({ file, title }) => !hasText(join('test', file), title))).toEqual([]);
});

/** Whether the text stands in the file as a literal or a template, whatever its quotes. */
function hasText(file: string, text: string): boolean {
  if (!existsSync(file)) return false;
  const source = readFileSync(file, 'utf8');
  return ["'", '"', '`'].some((quote) =>
    source.includes(`${quote}${text.replaceAll(quote, `\\${quote}`)}${quote}`),
  );
}
