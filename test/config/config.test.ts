import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadConfig, type Config, type ConfigSources } from '../../src/config/config.ts';
import { factsOf, settingKeys } from '../../src/config/key-index.ts';

class Directory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'lyre-config-'));

  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  /** Loads with this directory as the root path and the working directory. */
  load({ env = {}, flags = {} }: Pick<ConfigSources, 'env' | 'flags'> = {}): Config {
    return loadConfig({ flags, env: { ROOTPATH: this.path, ...env }, cwd: this.path });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

function failure(load: () => unknown): ConfigError {
  const error = failureOrNone(load);
  if (!error) throw new Error('The configuration was accepted');
  return error;
}

function failureOrNone(load: () => unknown): ConfigError | undefined {
  try {
    load();
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

describe('defaults', () => {
  it('are complete without any source', () => {
    using directory = new Directory();

    const config = loadConfig({ env: {}, cwd: directory.path });

    expect(config).toEqual({
      rootPath: join(homedir(), 'lyredb'),
      nodeName: expect.stringMatching(/^[^.,*>\s]+$/),
      host: '0.0.0.0',
      admin: { username: undefined, password: undefined },
      operationsApi: {
        network: {
          port: 9925,
          securePort: undefined,
          domainSocket: join(homedir(), 'lyredb/operations-server'),
          cors: { enabled: true, accessList: ['*'] },
        },
        tls: {
          certificate: join(homedir(), 'lyredb/keys/certificate.pem'),
          privateKey: join(homedir(), 'lyredb/keys/privateKey.pem'),
          isStandard: true,
        },
        compressionThresholdBytes: 1_200,
        maxBodyBytes: 1024 ** 3,
      },
      authentication: {
        authorizeLocal: false,
        enableSessions: true,
        operationTokenTimeoutMs: 86_400_000,
        refreshTokenTimeoutMs: 2_592_000_000,
      },
      clustering: {
        enabled: false,
        user: undefined,
        password: undefined,
        port: 9932,
        routes: [],
        relayWaitMs: 2000,
        verifyIntervalMs: 600_000,
        maxClockSkewMs: 300_000,
        maxQuarantineBytes: 64 * 1024 ** 2,
        stream: { maxBytes: 1024 ** 3, maxAgeSeconds: 2_592_000 },
      },
      store: {
        path: join(homedir(), 'lyredb/database'),
        mapSizeBytes: 64 * 1024 ** 3,
        maxTransactionBytes: 64 * 1024 ** 2,
        minFreeDiskBytes: 128 * 1024 ** 2,
      },
      bulk: {
        importDirectories: [join(homedir(), 'lyredb/import')],
        exportDirectories: [join(homedir(), 'lyredb/export')],
        allowPrivateUrls: false,
      },
      log: { maxAgeMs: 2_592_000_000, maxBytes: 10 * 1024 ** 3 },
      logging: {
        level: 'info',
        file: true,
        stdStreams: true,
        auditLog: true,
        root: join(homedir(), 'lyredb/log'),
      },
      bridge: { inProcess: false },
      natsServerBin: undefined,
      tombstoneRetentionMs: 2_592_000_000,
      tombstoneMaxMs: 31_536_000_000,
      ignored: [],
    });
  });

  it('are frozen to the bottom', () => {
    using directory = new Directory();

    const config = directory.load();

    expect(Object.isFrozen(config.operationsApi.network)).toBe(true);
    expect(Object.isFrozen(config.clustering.routes)).toBe(true);
  });
});

describe('sources', () => {
  it('give way to the later one: file, .env, environment, flags', () => {
    using directory = new Directory();
    const port = (sources: Parameters<Directory['load']>[0] = {}): number =>
      directory.load(sources).operationsApi.network.port;

    const seen = [port()];
    directory.write('lyre.yaml', 'operationsApi:\n  network:\n    port: 1\n');
    seen.push(port());
    directory.write('.env', 'SERVER_PORT=2\n');
    seen.push(port());
    seen.push(port({ env: { OPERATIONSAPI_NETWORK_PORT: '3' } }));
    seen.push(port({ env: { OPERATIONSAPI_NETWORK_PORT: '3' }, flags: { SERVER_PORT: '4' } }));

    expect(seen).toEqual([9925, 1, 2, 3, 4]);
  });

  it('can take a value back with null', () => {
    using directory = new Directory();
    directory.write(
      'lyre.yaml',
      'clustering:\n  hubServer:\n    cluster:\n      network:\n        port: 1\n',
    );

    expect(directory.load({ env: { CLUSTERING_PORT: 'null' } }).clustering.port).toBe(9932);
  });

  it('leave the environment of the process alone', () => {
    using directory = new Directory();
    directory.write('.env', 'LYRE_TEST_ONLY=\nNODE_NAME=from-dotenv\n');

    expect(directory.load().nodeName).toBe('from-dotenv');
    expect(process.env['NODE_NAME']).not.toBe('from-dotenv');
  });

  it('count an empty variable as not set', () => {
    using directory = new Directory();

    expect(
      directory.load({ env: { HDB_ADMIN_PASSWORD: '', SERVER_PORT: '' } }).admin.password,
    ).toBeUndefined();
  });

  it('include a file named by --config or HDB_CONFIG, which must exist', () => {
    using directory = new Directory();
    const path = directory.write('other.yaml', 'clustering:\n  nodeName: other\n');

    expect(directory.load({ flags: { config: path } }).nodeName).toBe('other');
    expect(directory.load({ env: { HDB_CONFIG: 'other.yaml' } }).nodeName).toBe('other');
    expect(failure(() => directory.load({ flags: { config: 'absent.yaml' } })).message).toBe(
      `${join(directory.path, 'absent.yaml')}: cannot be read (ENOENT)`,
    );
  });

  it('include the harperdb-config.yaml of the root path, with keys that mean nothing here', () => {
    using directory = new Directory();
    directory.write(
      'harperdb-config.yaml',
      `
rootPath: ${directory.path}
clustering:
  enabled: false
  nodeName: harper-1
  hubServer:
    cluster: { name: harperdb, network: { port: 12345, routes: [{ host: 3.62.184.22, port: 12345 }] } }
    leafNodes: { network: { port: 9931 } }
    network: { port: 9930 }
  leafServer:
    network: { port: 9940, routes: null }
    streams: { maxAge: 3600, maxBytes: 10000000, maxMsgs: null, path: /x }
  logLevel: info
  republishMessages: false
  tls: { certificate: /c.pem, insecure: true, verify: true }
  user: cluster_user
http: { port: 9926, cors: true, mtls: { user: x } }
localStudio: { enabled: false }
logging: { level: warn, auditAuthEvents: { logFailed: false }, rotation: { enabled: false } }
operationsApi: { network: { port: 9999, cors: true, domainSocket: /tmp/socket } }
storage: { caching: true, compression: { threshold: 4036 }, path: null }
threads: { count: 11 }
tls: [{ certificate: a, host: b }]
`,
    );

    const config = directory.load();

    expect(config.clustering).toMatchObject({
      port: 12345,
      routes: [{ host: '3.62.184.22', port: 12345 }],
      stream: { maxAgeSeconds: 3600, maxBytes: 10_000_000 },
      user: 'cluster_user',
    });
    expect(config.operationsApi.network).toMatchObject({
      port: 9999,
      domainSocket: '/tmp/socket',
      cors: { enabled: true },
    });
    expect(config.nodeName).toBe('harper-1');
    expect(config.ignored).toEqual(
      expect.arrayContaining(['http.port', 'clustering.tls', 'storage.caching', 'threads.count', 'tls']),
    );
  });
});

describe('the configuration that HarperDB writes', () => {
  const written = `
analytics: { aggregatePeriod: 60, replicate: false, logging: { level: info } }
authentication:
  authorizeLocal: true
  cacheTTL: 30000
  enableSessions: true
  hashFunction: sha256
  logging: { path: null }
  operationTokenTimeout: 1d
  refreshTokenTimeout: 1w
clustering:
  hubServer:
    cluster: { name: harperdb, network: { port: 9932, routes: [{ host: null, port: null }] } }
    leafNodes: { network: { port: 9931 } }
    network: { port: 9930 }
  leafServer:
    network: { port: 9940, routes: [{ host: null, port: null }, { host: hq, port: null }] }
    streams: { maxAge: null, maxBytes: null, maxMsgs: null, path: null }
  logLevel: info
  nodeName: null
  republishMessages: false
  tls: { certificate: null, certificateAuthority: null, privateKey: null, insecure: true, verify: true }
  user: null
componentsRoot: null
http:
  compressionThreshold: 1200
  cors: true
  corsAccessList:
    - null
  headersTimeout: 60000
  https: { port: null }
  keepAliveTimeout: 30000
  logging: { level: info }
  mtls: false
  port: 9926
  securePort: null
  threads: null
  timeout: 120000
ipc: { network: { port: 9383 } }
localStudio: { enabled: false }
logging:
  auditAuthEvents: { logFailed: false, logSuccessful: false }
  auditLog: true
  auditRetention: 3d
  console: false
  file: true
  level: warn
  path: null
  root: null
  rotation: { enabled: false, compress: false, interval: null, maxSize: null, path: null }
  stdStreams: false
mqtt: { network: { port: 1883, securePort: 8883, mtls: false }, requireAuthentication: true, webSocket: true }
operationsApi:
  network:
    cors: true
    corsAccessList:
      - null
    domainSocket: null
    headersTimeout: 60000
    keepAliveTimeout: 5000
    port: 9925
    securePort: null
    timeout: 120000
replication: { databases: '*', hostname: null, logging: { level: info }, securePort: 9933, url: null }
rootPath: null
schemas: { dev: { path: /x } }
storage: { caching: true, compression: true, noReadAhead: true, path: null, prefetchWrites: true, writeAsync: false }
threads: { count: 4, debug: false, maxHeapMemory: 300 }
tls: { certificate: null, certificateAuthority: null, privateKey: null, logging: { level: info } }
`;

  it('is taken as it is', () => {
    using directory = new Directory();
    directory.write('harperdb-config.yaml', written);

    const config = directory.load();

    expect(config.operationsApi.network.cors.accessList).toEqual(['*']);
    expect(config.clustering.routes).toEqual([{ host: 'hq', port: 9932 }]);
    expect(config.authentication).toMatchObject({
      operationTokenTimeoutMs: 86_400_000,
      refreshTokenTimeoutMs: 604_800_000,
    });
    expect(config.ignored).toEqual(
      expect.arrayContaining(['analytics.replicate', 'http.logging', 'ipc', 'schemas', 'threads.debug']),
    );
  });

  it.each([
    ['[null, "https://a"]', ['https://a']],
    ['[null]', ['https://b']],
    ['[]', []],
  ])('names the origins %s', (list, expected) => {
    using directory = new Directory();
    directory.write(
      'lyre.yaml',
      `{ http: { corsAccessList: [https://b] }, operationsApi: { network: { corsAccessList: ${list} } } }`,
    );

    expect(directory.load().operationsApi.network.cors.accessList).toEqual(expected);
  });

  it.each([
    ['500 ms', 500],
    ['1.5 h', 5_400_000],
    ['1w', 604_800_000],
    ['1 day', 86_400_000],
    ['2 Weeks', 1_209_600_000],
    ['90 mins', 5_400_000],
    ['1y', 31_557_600_000],
  ])('says a duration as %s', (text, expected) => {
    using directory = new Directory();

    expect(directory.load({ env: { CHANGELOG_MAXAGE: text } }).log.maxAgeMs).toBe(expected);
  });
});

describe('names', () => {
  const corsAccessList = (config: Config): unknown => config.operationsApi.network.cors.accessList;
  const spellings: readonly (readonly [string, string, (config: Config) => unknown, unknown])[] = [
    ['NODE_NAME', 'n', (config) => config.nodeName, 'n'],
    ['CLUSTERING_NODENAME', 'n', (config) => config.nodeName, 'n'],
    ['clustering_user', 'u', (config) => config.clustering.user, 'u'],
    ['CLUSTERING_PASSWORD', '0123', (config) => config.clustering.password, '0123'],
    ['CLUSTERING_PASSWORD', 'null', (config) => config.clustering.password, 'null'],
    ['CLUSTERING_PORT', '0', (config) => config.clustering.port, 0],
    ['CLUSTERING_HUBSERVER_CLUSTER_NETWORK_PORT', '7', (config) => config.clustering.port, 7],
    ['SERVER_PORT', '8', (config) => config.operationsApi.network.port, 8],
    ['OPERATIONSAPI_NETWORK_SECUREPORT', '9', (config) => config.operationsApi.network.securePort, 9],
    ['CORS_ON', 'false', (config) => config.operationsApi.network.cors.enabled, false],
    ['CORS_ACCESSLIST', '["https://a"]', corsAccessList, ['https://a']],
    ['CERTIFICATE', '/c.pem', (config) => config.operationsApi.tls.certificate, '/c.pem'],
    ['OPERATIONSAPI_TLS_PRIVATEKEY', '/k.pem', (config) => config.operationsApi.tls.privateKey, '/k.pem'],
    ['HTTP_COMPRESSIONTHRESHOLD', '0', (config) => config.operationsApi.compressionThresholdBytes, Infinity],
    ['HDB_ADMIN_USERNAME', 'a', (config) => config.admin.username, 'a'],
    ['HDB_ADMIN', 'a', (config) => config.admin.username, 'a'],
    ['HDB_ADMIN_PASSWORD', '{"a":1}', (config) => config.admin.password, '{"a":1}'],
    ['LOG_LEVEL', 'notify', (config) => config.logging.level, 'notify'],
    ['LOG_TO_FILE', 'FALSE', (config) => config.logging.file, false],
    ['LOGGING_STDSTREAMS', 'false', (config) => config.logging.stdStreams, false],
    ['NETWORK_HOST', '::1', (config) => config.host, '::1'],
    [
      'CLUSTERING_MAXQUARANTINEBYTES',
      '8MiB',
      (config) => config.clustering.maxQuarantineBytes,
      8 * 1024 ** 2,
    ],
    ['CHANGELOG_MAXAGE', '12h', (config) => config.log.maxAgeMs, 43_200_000],
    ['CHANGELOG_MAXAGE', '90', (config) => config.log.maxAgeMs, 90_000],
    ['CHANGELOG_MAXBYTES', '1.5GiB', (config) => config.log.maxBytes, 1.5 * 1024 ** 3],
    ['TOMBSTONERETENTION', '500ms', (config) => config.tombstoneRetentionMs, 500],
    ['TOMBSTONEMAX', '90d', (config) => config.tombstoneMaxMs, 7_776_000_000],
    ['STORAGE_MINFREEDISKBYTES', '1GiB', (config) => config.store.minFreeDiskBytes, 1024 ** 3],
    ['STORAGE_MAXTRANSACTIONBYTES', '10m', (config) => config.store.maxTransactionBytes, 10 * 1024 ** 2],
    ['BRIDGE_INPROCESS', 'true', (config) => config.bridge.inProcess, true],
    ['BULK_IMPORTDIRECTORIES', '["/a","/b"]', (config) => config.bulk.importDirectories, ['/a', '/b']],
    ['BULK_EXPORTDIRECTORIES', '["/a"]', (config) => config.bulk.exportDirectories, ['/a']],
    ['BULK_ALLOWPRIVATEURLS', 'true', (config) => config.bulk.allowPrivateUrls, true],
    ['NATS_SERVER_BIN', '/bin/n', (config) => config.natsServerBin, '/bin/n'],
    [
      'OPERATIONSAPI_NETWORK_DOMAINSOCKET',
      'false',
      (config) => config.operationsApi.network.domainSocket,
      undefined,
    ],
    [
      'CLUSTERING_HUBSERVER_CLUSTER_NETWORK_ROUTES',
      '[{"host":"h","port":1},{"host":"i"}]',
      (config) => config.clustering.routes,
      [
        { host: 'h', port: 1 },
        { host: 'i', port: 9932 },
      ],
    ],
  ];

  it.each(spellings)(
    '%s=%s means the same in the environment and as a flag',
    (name, text, read, expected) => {
      using directory = new Directory();

      expect(read(directory.load({ env: { [name]: text } }))).toEqual(expected);
      if (name !== 'ADMIN_PASSWORD')
        expect(read(directory.load({ flags: { [name]: text } }))).toEqual(expected);
    },
  );

  it('that are common are not taken from the environment', () => {
    using directory = new Directory();

    expect(directory.load({ env: { ADMIN_PASSWORD: 'foreign' } }).admin.password).toBeUndefined();
  });

  it('of every setting work in any letter case', () => {
    using directory = new Directory();
    const names = settingKeys().flatMap((key) => [key.replaceAll('.', '_'), ...(factsOf(key).aliases ?? [])]);

    fc.assert(
      fc.property(fc.constantFrom(...names), fc.infiniteStream(fc.boolean()), (name, upper) => {
        const spelled = Array.from(name)
          .map((letter) => (upper.next().value === true ? letter.toUpperCase() : letter.toLowerCase()))
          .join('');
        if (/^rootpath$/i.test(name) || /^hdb_root/i.test(name)) return;
        expect(directory.load({ flags: { [spelled]: 'null' } }).ignored).toEqual([]);
      }),
    );
  });

  it('that contradict each other in one source are an error', () => {
    using directory = new Directory();

    expect(directory.load({ env: { NODE_NAME: 'a', CLUSTERING_NODENAME: 'a' } }).nodeName).toBe('a');
    expect(failure(() => directory.load({ env: { NODE_NAME: 'a', CLUSTERING_NODENAME: 'b' } })).message).toBe(
      'environment: CLUSTERING_NODENAME contradicts NODE_NAME: they are one setting',
    );
  });
});

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
    ['HDB_ADMIN_PASWORD', 'x', 'environment: HDB_ADMIN_PASWORD is unknown; did you mean HDB_ADMIN_PASSWORD?'],
    ['SERVER_PORT', '65536', 'SERVER_PORT must be a port number from 0 (any free port) to 65535, not 65536'],
    ['SERVER_PORT', '-1', 'SERVER_PORT must be a port'],
    ['SERVER_PORT', '1.5', 'SERVER_PORT must be a port'],
    ['SERVER_PORT', 'http', 'SERVER_PORT must be a port'],
    ['NODE_NAME', 'a.b', 'NODE_NAME must be a name'],
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
