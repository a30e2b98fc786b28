import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Directory, failure, failureOrNone } from './directory.ts';

describe('errors', () => {
  const inFile: readonly (readonly [string, string])[] = [
    [
      'operationsApi:\n  network:\n    prot: 1',
      'operationsApi.network.prot is unknown; did you mean operationsApi.network.port?',
    ],
    ['clusterin: {}', 'clusterin is unknown; did you mean '],
    ['logging: 5', 'logging must be a section with keys of its own'],
    ['- a', 'must hold keys and values'],
    ['a: [', 'is not valid YAML: '],
    ['rootPath: a\nrootPath: b', 'is not valid YAML: Map keys must be unique at line 2, column 1'],
    ['a: &x [*y]', 'is not valid YAML: '],
    [
      'clustering: { password: 12 }',
      'clustering.password must be a text (in quotes, if it looks like a number)',
    ],
    ['clustering: { enabled: maybe }', 'clustering.enabled must be true or false, not "maybe"'],
    [
      'changeLog: { maxAge: soon }',
      'changeLog.maxAge must be a number of seconds, or a number with a unit: ',
    ],
    [
      'changeLog: { maxBytes: -1 }',
      'changeLog.maxBytes must be a number of bytes, or a number with a unit: ',
    ],
    ['__proto__: { x: 1 }', '__proto__ is unknown'],
  ];

  it.each(inFile)('in the file %j is told in one line', (text, expected) => {
    using directory = new Directory();
    const path = directory.write('lyre.yaml', text);

    const { message } = failure(() => directory.load());

    expect(message).toContain(`${path}: ${expected}`);
    expect(message).not.toContain('\n');
  });

  const inVariables: readonly (readonly [string, string, string])[] = [
    ['CLUSTERING_USR', 'x', 'environment: CLUSTERING_USR is unknown; did you mean CLUSTERING_USER?'],
    ['CLUSTERING_PASWORD', 'x', 'CLUSTERING_PASWORD is unknown; did you mean CLUSTERING_PASSWORD?'],
    ['CLUSTERING_PASSWD', 'x', 'CLUSTERING_PASSWD is unknown; did you mean CLUSTERING_PASSWORD?'],
    ['CLUSTERING_PROT', '1', 'CLUSTERING_PROT is unknown; did you mean CLUSTERING_PORT?'],
    ['LOGGING_LEVL', 'info', 'LOGGING_LEVL is unknown; did you mean LOGGING_LEVEL?'],
    ['HDB_ADMIN_PASWORD', 'x', 'environment: HDB_ADMIN_PASWORD is unknown; did you mean HDB_ADMIN_PASSWORD?'],
    [
      'CLUSTERING_PORT',
      '65536',
      'CLUSTERING_PORT must be a port number from 0 (any free port) to 65535, not 65536',
    ],
    ['SERVER_PORT', '-1', 'SERVER_PORT must be a port'],
    ['SERVER_PORT', '1.5', 'SERVER_PORT must be a port'],
    ['SERVER_PORT', 'http', 'SERVER_PORT must be a port'],
    ['NODE_NAME', 'a.b', 'NODE_NAME must be a name'],
    ['NODE_NAME', 'a'.repeat(101), 'NODE_NAME must be a name'],
    ['NODE_NAME', 'a b', 'NODE_NAME must be a name'],
    ['NODE_NAME', 'a>', 'NODE_NAME must be a name'],
    [
      'LOG_LEVEL',
      'loud',
      'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, notify, not "loud"',
    ],
    ['CLUSTERING_HUBSERVER_CLUSTER_NETWORK_ROUTES', '[{', 'must be a list of {host, port}'],
    ['CLUSTERING_HUBSERVER_CLUSTER_NETWORK_ROUTES', '[{"host":1}]', 'must be a list of {host, port}'],
  ];

  it.each(inVariables)('in the environment %s=%s is told', (name, text, expected) => {
    using directory = new Directory();

    expect(failure(() => directory.load({ env: { [name]: text } })).message).toContain(expected);
  });

  it('in a name that is longer than peers take once it is encoded is told to a node that has peers', () => {
    using directory = new Directory();
    // Nine bytes each.
    const env = { NODE_NAME: '工'.repeat(23) };

    expect(directory.load({ env }).nodeName).toBe(env.NODE_NAME);
    expect(failure(() => directory.load({ env: { ...env, CLUSTERING: 'true' } })).message).toContain(
      'clustering.nodeName is no name of a node that others may have: it cannot exceed 200 bytes',
    );
  });

  it('in an unknown flag names the nearest one', () => {
    using directory = new Directory();

    expect(failure(() => directory.load({ flags: { SERVER_PROT: '1' } })).message).toBe(
      'flag: --SERVER_PROT is unknown; did you mean --SERVER_PORT?',
    );
  });

  it('are not raised for variables of strangers', () => {
    using directory = new Directory();

    const config = directory.load({ env: { HTTP_PROXY: 'x', PATHH: 'x', TLS_X: 'y', CLUSTER: 'z' } });

    expect(config.ignored).toEqual([]);
  });

  it.each([
    ['LYRE_USERNAME', 'x', []],
    ['LYRE_PORT_9925_TCP', 'tcp://10.0.0.1:9925', []],
    ['STORAGE_SERVICE_HOST', '10.0.0.1', ['STORAGE_SERVICE_HOST']],
    ['STORAGE_EMULATOR_HOST', 'localhost:9023', ['STORAGE_EMULATOR_HOST']],
    ['LOGGING_PORT', 'tcp://10.0.0.1:80', ['LOGGING_PORT']],
    ['LOGGING_HOST', 'logs', ['LOGGING_HOST']],
    ['REPLICATION_HOST', 'db', ['REPLICATION_HOST']],
    // What Kubernetes tells of services called `server` and `clustering`.
    ['SERVER_PORT', 'tcp://10.0.0.1:80', ['SERVER_PORT']],
    ['CLUSTERING_PORT', 'tcp://10.0.0.1:80', ['CLUSTERING_PORT']],
  ])('are not raised for what other programs and Kubernetes set: %s=%s', (name, text, ignored) => {
    using directory = new Directory();

    const config = directory.load({ env: { [name]: text } });

    expect(config.ignored).toEqual(ignored);
    expect(config.operationsApi.network.port).toBe(9925);
  });

  it('are raised for a bad line even when a later source overrides it', () => {
    using directory = new Directory();
    directory.write('lyre.yaml', 'logging: { level: loud }');

    expect(failure(() => directory.load({ env: { LOG_LEVEL: 'info' } })).message).toContain('logging.level');
  });

  it('never repeat a secret', () => {
    using directory = new Directory();
    directory.write('lyre.yaml', 'admin: { password: 987654321 }');

    expect(failure(() => directory.load()).message).not.toContain('987654321');
  });

  it('say that two listeners cannot share a port', () => {
    using directory = new Directory();
    const cluster = { CLUSTERING: 'true', CLUSTERING_USER: 'u', CLUSTERING_PASSWORD: 'p' };
    const tls = { OPERATIONSAPI_NETWORK_SECUREPORT: '9925' };

    expect(failure(() => directory.load({ env: tls })).message).toBe(
      'configuration: operationsApi.network.securePort is 9925, and so is operationsApi.network.port: give each a port of its own',
    );
    expect(failure(() => directory.load({ env: { ...cluster, SERVER_PORT: '9932' } })).message).toContain(
      'clustering.hubServer.cluster.network.port is 9932, and so is operationsApi.network.port',
    );
    expect(
      directory.load({ env: { ...tls, SERVER_PORT: '0', CLUSTERING_PORT: '0' } }).operationsApi.network,
    ).toMatchObject({ port: 0, securePort: 9925 });
    expect(directory.load({ env: { SERVER_PORT: '9932' } }).operationsApi.network.port).toBe(9932);
  });

  it.each(['HTTPS_ON', 'OPERATIONSAPI_NETWORK_HTTPS'])('say that %s needs a secure port', (name) => {
    using directory = new Directory();
    const env = { [name]: 'true' };

    expect(failure(() => directory.load({ env })).message).toBe(
      'configuration: operationsApi.network.https is true: set operationsApi.network.securePort',
    );
    expect(
      directory.load({ env: { ...env, OPERATIONSAPI_NETWORK_SECUREPORT: '9943' } }).operationsApi.network,
    ).toMatchObject({ port: 9925, securePort: 9943 });
    expect(directory.load({ env: { [name]: 'false' } }).operationsApi.network.port).toBe(9925);
  });

  it('say that a node without any port for its operations API is none', () => {
    using directory = new Directory();

    expect(failure(() => directory.load({ env: { SERVER_PORT: 'false' } })).message).toBe(
      'configuration: operationsApi.network.port is false: set operationsApi.network.securePort',
    );
  });

  it('say which variable clustering needs', () => {
    using directory = new Directory();
    const user = { CLUSTERING: 'true', CLUSTERING_USER: 'u' };

    expect(failure(() => directory.load({ env: { CLUSTERING: 'true' } })).message).toBe(
      'configuration: clustering.enabled needs CLUSTERING_USER and CLUSTERING_PASSWORD to be set',
    );
    expect(failure(() => directory.load({ env: user })).message).toBe(
      'configuration: clustering.enabled needs CLUSTERING_PASSWORD to be set',
    );
    expect(directory.load({ env: { ...user, CLUSTERING_PASSWORD: 'p' } }).clustering.enabled).toBe(true);
  });

  it('are always a ConfigError of one line, whatever the file holds', () => {
    using directory = new Directory();

    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        directory.write('lyre.yaml', text);
        const message = failureOrNone(() => directory.load())?.message ?? '';
        expect(message).not.toContain('\n');
      }),
    );
  });

  it('say that a file cannot be read', () => {
    using directory = new Directory();
    mkdirSync(join(directory.path, 'lyre.yaml'));

    expect(failure(() => directory.load()).message).toContain('cannot be read (EISDIR)');
  });
});
