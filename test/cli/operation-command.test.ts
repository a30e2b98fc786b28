import { expect, it } from 'vitest';
import { parsePairs } from '../../src/cli/operation-command.ts';

it('takes a value as JSON where it is JSON, else as text', () => {
  expect(
    parsePairs(['table=dog', 'id=1', 'name="1"', 'records=[{"id":1e2}]', 'x=a=b', 'y="\\ufffd"']),
  ).toEqual({ table: 'dog', id: 1, name: '1', records: [{ id: 100 }], x: 'a=b', y: '\uFFFD' });
});

it.each([
  ['v=1e400', 'v holds a number that is too large to be kept'],
  ['records=[{"id":1,"v":{"w":[-1e400]}}]', 'records holds a number that is too large to be kept'],
  [
    'records=[{"id":9007199254740993}]',
    'The number 9007199254740993 would be kept as another one: send it as text, in quotes',
  ],
  ['name=Zo\uFFFD', 'name is not UTF-8; \\ufffd in JSON stands for the character itself'],
  ['records=[{"id":"Zo\uFFFD"}]', 'records is not UTF-8; \\ufffd in JSON stands for the character itself'],
])('refuses %s, which would be stored as something else', (pair, message) => {
  expect(() => parsePairs([pair])).toThrow(message);
});
