import { expect, test } from 'vitest';
import { hasLegalCharacters, nameProblem, nodeNameProblem } from '../../src/model/names.ts';

test.each(['dog', 'h*rper%1', '123', ' ', 'a.b', '..', 'a:b', 'a|b', '~', 'x'.repeat(250)])(
  '%j is a legal name',
  (name) => {
    expect(nameProblem(name)).toBeUndefined();
  },
);

test.each([
  ['', 'is not allowed to be empty'],
  ['a/b', 'names cannot include backticks or forward slashes'],
  ['a`b', 'names cannot include backticks or forward slashes'],
  ['größe', 'names cannot include backticks or forward slashes'],
  ['a\nb', 'names cannot include backticks or forward slashes'],
  ['a\u007fb', 'names cannot include backticks or forward slashes'],
  ['x'.repeat(251), 'cannot exceed 250 characters'],
])('%j is no name: it %s', (name, problem) => {
  expect(nameProblem(name)).toBe(problem);
});

test('exactly the printable characters of ASCII but slash and backtick are legal', () => {
  const legal = Array.from({ length: 0x100 }, (_, code) => String.fromCharCode(code)).filter(
    hasLegalCharacters,
  );

  const printable = Array.from({ length: 0x5f }, (_, index) => String.fromCharCode(0x20 + index));
  expect(legal).toEqual(printable.filter((character) => character !== '/' && character !== '`'));
});

test.each(['edge-1', 'n_1', 'Werk Süd'.replace(' ', '')])('%j is a legal name of a node', (name) => {
  expect(nodeNameProblem(name)).toBeUndefined();
});

test.each(['', 'a b', 'a.b', 'a,b', 'a*', '>', 'a\tb', 'a\u0000', 'x'.repeat(201), 'ü'.repeat(34)])(
  '%j is no name of a node',
  (name) => {
    expect(nodeNameProblem(name)).toBeDefined();
  },
);
