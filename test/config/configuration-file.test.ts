import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ConfigurationFile } from '../../src/config/configuration-file.ts';
import { Directory, failure } from './directory.ts';

/** Sets values where the file holds a text; tells what it holds then. */
function set(directory: Directory, text: string, values: Readonly<Record<string, unknown>>): string {
  const path = directory.write('lyre.yaml', text);
  new ConfigurationFile({ env: { ROOTPATH: directory.path }, cwd: directory.path }).set(values);
  return readFileSync(path, 'utf8');
}

it.each([
  ['an empty section', 'logging:\nhttp:\n  cors: true\n', 'logging:\n  level: warn\nhttp:\n  cors: true\n'],
  ['an empty section within one', 'operationsApi:\n  network:\n', undefined],
  ['a section that is not there', 'http:\n  cors: true\n', undefined],
])('sets a value in %s', (_name, text, expected) => {
  using directory = new Directory();

  const changed = set(directory, text, { logging_level: 'warn', operationsApi_network_port: 9_999 });

  expect(directory.load()).toMatchObject({
    logging: { level: 'warn' },
    operationsApi: { network: { port: 9_999 } },
  });
  if (expected !== undefined) expect(changed).toContain(expected);
});

it.each(['http:\n  cors: true\n', 'logging:\nhttp:\n  cors: true\n', 'logging:\n  file: true\n', ''])(
  'takes nothing back that is not there: %j',
  (text) => {
    using directory = new Directory();

    expect(set(directory, text, { logging_level: null })).toBe(text);
  },
);

it('takes a value back', () => {
  using directory = new Directory();

  expect(set(directory, 'logging:\n  level: warn\n  file: true\n', { logging_level: null })).toBe(
    'logging:\n  file: true\n',
  );
});

it.each([
  ['tls:\n  - certificate: /a\n    privateKey: /b\n', { tls_certificate: '/c' }, 'tls'],
  ['tls:\n  - certificate: /a\n    privateKey: /b\n', { tls_certificate: null }, 'tls'],
  [
    'tls: &x\n  certificate: /a\n  privateKey: /b\noperationsApi:\n  tls: *x\n',
    { operationsApi_tls_certificate: '/c' },
    'operationsApi.tls',
  ],
])('refuses to set a value below what is no section: %j', (text, values, key) => {
  using directory = new Directory();

  const error = failure(() => set(directory, text, values));

  expect(error.message).toContain(
    `lyre.yaml: ${key} is no section with keys of its own: change it in the file`,
  );
  expect(readFileSync(`${directory.path}/lyre.yaml`, 'utf8')).toBe(text);
});

it.each([
  ['bulk_importDirectories', ['/']],
  ['bulk.exportDirectories', ['/']],
  ['BULK_ALLOWPRIVATEURLS', true],
  ['natsServerBin', '/tmp/program'],
  ['NATS_SERVER_BIN', null],
])('leaves to the operator what the node may use of its machine: %s', (name, value) => {
  using directory = new Directory();
  const text = 'natsServerBin: /usr/bin/nats-server\n';

  const error = failure(() => set(directory, text, { logging_level: 'warn', [name]: value }));

  expect(error.message).toContain('is set in the file or the environment only');
  expect(readFileSync(`${directory.path}/lyre.yaml`, 'utf8')).toBe(text);
});

it.each([
  [{ logging_level: 'warn' }, { LOGGING_LEVEL: 'error' }, 'LOGGING_LEVEL (environment)'],
  [{ logging_level: null }, { LOGGING_LEVEL: 'error' }, 'LOGGING_LEVEL (environment)'],
  [{ operationsApi_network_port: 9_999 }, { SERVER_PORT: '9925' }, 'SERVER_PORT (environment)'],
])('refuses %j, which would not count beside %j', (values, variables, where) => {
  using directory = new Directory();
  const path = directory.write('lyre.yaml', 'logging:\n  file: true\n');
  const env = { ROOTPATH: directory.path, ...variables };

  const error = failure(() => new ConfigurationFile({ env, cwd: directory.path }).set(values));

  expect(error.message).toContain(`is set by ${where}, which counts before the configuration file`);
  expect(readFileSync(path, 'utf8')).toBe('logging:\n  file: true\n');
});

it('takes the value that counts already', () => {
  using directory = new Directory();
  const path = directory.write('lyre.yaml', '');
  const env = { ROOTPATH: directory.path, LOGGING_LEVEL: 'error' };

  new ConfigurationFile({ env, cwd: directory.path }).set({ logging_level: 'error' });

  expect(readFileSync(path, 'utf8')).toBe('logging:\n  level: error\n');
});
