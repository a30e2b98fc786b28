import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  channelName,
  channelSubject,
  decodeToken,
  encodeToken,
  parseChannelName,
} from '../../src/model/channel-name.ts';

/** Any text that UTF-8 can hold. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('a', '.', ' ', '*', '>', ':', '=', '=4', '41', '\u0000', '\n', 'é', '😀'),
  }),
);
const name = text.filter((value) => value !== '');

test('a token gives back its name, whatever the name', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(decodeToken(encodeToken(value))).toBe(value);
    }),
    { numRuns: 2000 },
  );
});

test('a token holds only letters, digits, _, - and =', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(encodeToken(value)).toMatch(/^[A-Za-z0-9_=-]*$/);
    }),
    { numRuns: 2000 },
  );
});

test('a channel has one colon, is one NATS token, and gives back both names', () => {
  fc.assert(
    fc.property(name, name, (database, table) => {
      const channel = channelName(database, table);

      expect(channel.split(':')).toHaveLength(2);
      expect(channel).not.toMatch(/[.*>\s\p{Cc}]/u);
      expect(parseChannelName(channel)).toEqual({ database, table });
      expect(channelSubject(channel).split('.')).toHaveLength(2);
    }),
    { numRuns: 2000 },
  );
});

test('two tables never share a channel', () => {
  fc.assert(
    fc.property(name, name, name, name, (database, table, otherDatabase, otherTable) => {
      fc.pre(database !== otherDatabase || table !== otherTable);

      expect(channelName(database, table)).not.toBe(channelName(otherDatabase, otherTable));
    }),
  );
});

test('plain names stay as they are', () => {
  expect(channelName('dev', 'dog')).toBe('dev:dog');
  expect(channelName('dev', 'sensor_data-1')).toBe('dev:sensor_data-1');
  expect(channelName('my data', 'a.b:ü')).toBe('my=20data:a=2Eb=3A=C3=BC');
});

test.each(['', 'dev', ':dog', 'dev:', ':', 'dev:dog:cat'])('%j is not the name of a channel', (channel) => {
  expect(parseChannelName(channel)).toBeUndefined();
});
