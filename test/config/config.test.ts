import { homedir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/config.ts';
import { factsOf, settingKeys } from '../../src/config/key-index.ts';
import { Directory, failure } from './directory.ts';

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
          https: false,
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
    const port = (sources: Parameters<Directory['load']>[0] = {}): unknown =>
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

  it('mean TLS only where the plain port is null or false beside a secure one', () => {
    using directory = new Directory();
    const plain = (sources: Parameters<Directory['load']>[0] = {}): unknown =>
      directory.load(sources).operationsApi.network.port;

    directory.write('lyre.yaml', 'operationsApi: { network: { port: null, securePort: 9925 } }');
    expect(plain()).toBeUndefined();
    expect(plain({ env: { SERVER_PORT: '1' } })).toBe(1);
    directory.write('lyre.yaml', 'operationsApi: { network: { port: false, securePort: 9925 } }');
    expect(plain()).toBeUndefined();
    directory.write('lyre.yaml', 'operationsApi: { network: { port: null } }');
    expect(plain()).toBe(9925);
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

describe('names', () => {
  const corsAccessList = (config: Config): unknown => config.operationsApi.network.cors.accessList;
  const spellings: readonly (readonly [string, string, (config: Config) => unknown, unknown])[] = [
    ['NODE_NAME', 'n', (config) => config.nodeName, 'n'],
    ['NODE_NAME', '工'.repeat(22), (config) => config.nodeName, '工'.repeat(22)],
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
    ['NATS_SERVER_BIN', 'n', (config) => config.natsServerBin, 'n'],
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
