import { describe, expect, it } from 'vitest';
import { Directory } from './directory.ts';

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

it('names the applications of a configuration of HarperDB among what has no meaning here', () => {
  using directory = new Directory();
  directory.write('harperdb-config.yaml', "my-app:\n  package: 'HarperDB/application-template'\n");

  expect(directory.load().ignored).toEqual(['my-app']);
});
