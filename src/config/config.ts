import { hostname } from 'node:os';
import type { LogLevel } from '../runtime/logger.ts';
import { checkNodeConfig } from './check-node-config.ts';
import { expand, readSettings, rootPathOf, type ConfigSources } from './read-settings.ts';
import type { Settings } from './settings.ts';

export interface Route {
  readonly host: string;
  readonly port: number;
}

/** Everything that can be set about a node: complete, checked and frozen. All paths are absolute. */
export interface Config {
  readonly rootPath: string;
  /** Without `.`, `,`, `*`, `>` and white space; the host name of the machine when nothing was set. */
  readonly nodeName: string;
  /** The address that every listener binds to. */
  readonly host: string;
  /** Needed at the first start only. */
  readonly admin: { readonly username: string | undefined; readonly password: string | undefined };
  readonly operationsApi: {
    readonly network: {
      /** 0 is any free port, here and below. Undefined: TLS only. */
      readonly port: number | undefined;
      /** Undefined when it was switched off. May be longer than the system allows. */
      readonly domainSocket: string | undefined;
      /** Undefined: no TLS. */
      readonly securePort: number | undefined;
      /** HarperDB's former way to ask for TLS; needs `securePort`. */
      readonly https: boolean;
      readonly cors: { readonly enabled: boolean; readonly accessList: readonly string[] };
    };
    readonly tls: {
      readonly certificate: string;
      readonly privateKey: string;
      /** Nobody has said where they are: the node may make them. */
      readonly isStandard: boolean;
    };
    /** Infinity: never. */
    readonly compressionThresholdBytes: number;
    readonly maxBodyBytes: number;
  };
  readonly authentication: {
    readonly authorizeLocal: boolean;
    readonly enableSessions: boolean;
    readonly operationTokenTimeoutMs: number;
    readonly refreshTokenTimeoutMs: number;
  };
  readonly clustering: {
    readonly enabled: boolean;
    /** Set when `enabled`. */
    readonly user: string | undefined;
    /** Set when `enabled`. */
    readonly password: string | undefined;
    readonly port: number;
    readonly routes: readonly Route[];
    readonly relayWaitMs: number;
    /** From the end of one comparison with a publisher to the next. */
    readonly verifyIntervalMs: number;
    readonly maxClockSkewMs: number;
    /** Once what a peer has in quarantine takes so much, nothing more of it goes there. */
    readonly maxQuarantineBytes: number;
    /** Limits of each stream. */
    readonly stream: { readonly maxBytes: number; readonly maxAgeSeconds: number };
  };
  readonly store: {
    readonly path: string;
    readonly mapSizeBytes: number;
    readonly maxTransactionBytes: number;
    /** With less free than this on its disk, commits that make the store larger are refused. */
    readonly minFreeDiskBytes: number;
  };
  /** The change log. */
  readonly log: { readonly maxAgeMs: number; readonly maxBytes: number };
  /** Loads and exports that an operation starts. */
  readonly bulk: {
    readonly importDirectories: readonly string[];
    readonly exportDirectories: readonly string[];
    readonly allowPrivateUrls: boolean;
  };
  /** What the processes say about themselves. */
  readonly logging: {
    readonly level: LogLevel;
    readonly file: boolean;
    readonly stdStreams: boolean;
    /** Whether `read_audit_log` answers. */
    readonly auditLog: boolean;
    /** The directory of the log file. */
    readonly root: string;
  };
  readonly bridge: { readonly inProcess: boolean };
  readonly natsServerBin: string | undefined;
  readonly tombstoneRetentionMs: number;
  readonly tombstoneMaxMs: number;
  /** What was set and has no meaning here, as it was spelled; for a warning. */
  readonly ignored: readonly string[];
}

/**
 * Reads the configuration of a node from the file, `.env`, the environment and the flags; the later one wins.
 *
 * @throws ConfigError whose message is one line
 */
export function loadConfig(sources: ConfigSources): Config {
  const config = readConfig(sources);
  checkNodeConfig(config);
  return config;
}

/** The same without the rules that matter only to a node that starts; for clients of a node. */
export function readConfig(sources: ConfigSources): Config {
  const { settings, ignored } = readSettings(sources);
  const cwd = sources.cwd ?? process.cwd();
  return freeze(toConfig(settings, cwd, [...new Set(ignored.map(({ name }) => name))]));
}

function toConfig(settings: Settings, cwd: string, ignored: readonly string[]): Config {
  const rootPath = rootPathOf(settings, cwd);
  const inRoot = (path: string | undefined, standard: string): string => expand(path ?? standard, rootPath);
  const plainPort = settings['operationsApi.network.port'];
  const socket = settings['operationsApi.network.domainSocket'];
  const certificate = settings['operationsApi.tls.certificate'] ?? settings['tls.certificate'];
  const privateKey = settings['operationsApi.tls.privateKey'] ?? settings['tls.privateKey'];
  return {
    rootPath,
    nodeName: settings['clustering.nodeName'] ?? defaultNodeName(),
    host: settings['network.host'],
    admin: { username: settings['admin.username'], password: settings['admin.password'] },
    operationsApi: {
      network: {
        port: plainPort === false ? undefined : plainPort,
        domainSocket: socket === false ? undefined : inRoot(socket, 'operations-server'),
        securePort: settings['operationsApi.network.securePort'],
        https: settings['operationsApi.network.https'],
        cors: {
          enabled: settings['operationsApi.network.cors'] ?? settings['http.cors'],
          accessList: settings['operationsApi.network.corsAccessList'] ?? settings['http.corsAccessList'],
        },
      },
      tls: {
        certificate: inRoot(certificate, 'keys/certificate.pem'),
        privateKey: inRoot(privateKey, 'keys/privateKey.pem'),
        isStandard: certificate === undefined && privateKey === undefined,
      },
      compressionThresholdBytes: settings['http.compressionThreshold'] || Infinity,
      maxBodyBytes: settings['operationsApi.maxBodyBytes'],
    },
    authentication: {
      authorizeLocal: settings['authentication.authorizeLocal'],
      enableSessions: settings['authentication.enableSessions'],
      operationTokenTimeoutMs: settings['authentication.operationTokenTimeout'],
      refreshTokenTimeoutMs: settings['authentication.refreshTokenTimeout'],
    },
    clustering: {
      enabled: settings['clustering.enabled'],
      user: settings['clustering.user'],
      password: settings['clustering.password'],
      port: settings['clustering.hubServer.cluster.network.port'],
      routes: distinct([
        ...settings['clustering.hubServer.cluster.network.routes'],
        ...settings['clustering.leafServer.network.routes'],
      ]),
      relayWaitMs: settings['clustering.relayWaitMs'],
      verifyIntervalMs: settings['clustering.verifyIntervalMs'],
      maxClockSkewMs: settings['clustering.maxClockSkewMs'],
      maxQuarantineBytes: settings['clustering.maxQuarantineBytes'],
      stream: {
        maxBytes: settings['clustering.leafServer.streams.maxBytes'],
        maxAgeSeconds: Math.max(1, Math.round(settings['clustering.leafServer.streams.maxAge'] / 1_000)),
      },
    },
    store: {
      path: inRoot(settings['storage.path'], 'database'),
      mapSizeBytes: settings['storage.mapSize'],
      maxTransactionBytes: settings['storage.maxTransactionBytes'],
      minFreeDiskBytes: settings['storage.minFreeDiskBytes'],
    },
    log: { maxAgeMs: settings['changeLog.maxAge'], maxBytes: settings['changeLog.maxBytes'] },
    bulk: {
      importDirectories: (settings['bulk.importDirectories'] ?? ['import']).map((path) => inRoot(path, '')),
      exportDirectories: (settings['bulk.exportDirectories'] ?? ['export']).map((path) => inRoot(path, '')),
      allowPrivateUrls: settings['bulk.allowPrivateUrls'],
    },
    logging: {
      level: settings['logging.level'],
      file: settings['logging.file'],
      stdStreams: settings['logging.stdStreams'],
      auditLog: settings['logging.auditLog'],
      root: inRoot(settings['logging.root'], 'log'),
    },
    bridge: { inProcess: settings['bridge.inProcess'] },
    natsServerBin: programPath(settings.natsServerBin, cwd),
    tombstoneRetentionMs: settings.tombstoneRetention,
    tombstoneMaxMs: settings.tombstoneMax,
    ignored,
  };
}

/** A name without a directory is sought on the PATH. */
function programPath(program: string | undefined, cwd: string): string | undefined {
  return program?.includes('/') === true ? expand(program, cwd) : program;
}

function defaultNodeName(): string {
  return (
    hostname()
      .replace(/[.,*>\s\p{Cc}]+/gu, '-')
      .slice(0, 100) || 'node'
  );
}

function distinct(routes: readonly Route[]): readonly Route[] {
  return [...new Map(routes.map((route) => [`${route.host} ${route.port}`, route])).values()];
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part);
  return Object.freeze(value);
}
