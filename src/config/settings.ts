import * as z from 'zod';
import { logLevels } from '../runtime/logger.ts';

/** What a setting is besides its type. */
export interface SettingFacts {
  /** For people, in Markdown. */
  readonly meaning: string;
  /** Completes the sentence "<key> must be ...". */
  readonly expects: string;
  /** Other names, besides the key with `_` for `.`; legacy names of the environment. */
  readonly aliases?: readonly string[];
  /** The value is text and is taken as it stands: a password `0123` is not the number 123. */
  readonly isText?: boolean;
  /** Never repeated in a message. */
  readonly isSecret?: boolean;
  /** What the node may use of its machine: for its operator to say, and for no user of the API, whatever its role. */
  readonly isOperators?: boolean;
  /** Its value is milliseconds, and is written in seconds. */
  readonly isDuration?: boolean;
  /** Its value is bytes. */
  readonly isSize?: boolean;
  /** Not read from the environment under its own key, only under its aliases: the name is too common. */
  readonly isAliasOnlyInEnvironment?: boolean;
}

export const settingFacts = z.registry<SettingFacts>();

/** @param meaning a sentence or two for docs/settings.md */
function setting<T extends z.ZodType>(meaning: string, schema: T, facts: Omit<SettingFacts, 'meaning'>): T {
  settingFacts.add(schema, { meaning, ...facts });
  return schema;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** The names of vercel/ms, which HarperDB reads durations with. */
const durationUnits: readonly (readonly [names: RegExp, ms: number])[] = [
  [/^(ms|msecs?|milliseconds?)$/, 1],
  [/^(s|secs?|seconds?)$/, 1_000],
  [/^(m|mins?|minutes?)$/, minuteMs],
  [/^(h|hrs?|hours?)$/, 60 * minuteMs],
  [/^(d|days?)$/, dayMs],
  [/^(w|weeks?)$/, 7 * dayMs],
  [/^(y|yrs?|years?)$/, 365.25 * dayMs],
];
const sizeUnits: Readonly<Record<string, number>> = { '': 1, k: 1024, m: MiB, g: GiB, t: 1024 ** 4 };

const isTrue = { expects: 'true or false' };
const aPort = 'a port number from 0 (any free port) to 65535';
const aDuration = {
  expects: 'a number of seconds, or a number with a unit: 500ms, 45s, 10m, 12h, 30d, 1w',
  isDuration: true,
};
const aSize = { expects: 'a number of bytes, or a number with a unit: 64MiB, 10GiB', isSize: true };
const aPath = { expects: 'a path', isText: true };
const someMilliseconds = 'a number of milliseconds';

const port = z.int().min(0).max(65_535);
const path = z.string().min(1);
/** One that peers accept. */
const nodeName = z.string().regex(/^[^.,*>\s\p{Cc}]{1,100}$/u);
const milliseconds = z
  .int()
  .min(0)
  .max(365 * dayMs);

/** Seconds, or text with a unit, as milliseconds. */
export const duration = z.union([
  z
    .number()
    .positive()
    .max(1e10)
    .transform((seconds) => Math.round(seconds * 1_000)),
  z
    .string()
    .regex(/^\d+(\.\d+)?\s*[a-z]+$/i)
    .transform((text) => Math.round(Number.parseFloat(text) * durationUnitOf(unitOf(text.toLowerCase()))))
    .pipe(z.int().positive()),
]);

/** Bytes, or text with a unit, as bytes; K, KB and KiB are all 1024. */
const size = z.union([
  z.int().positive(),
  z
    .string()
    .regex(/^\d+(\.\d+)?\s*[kmgt]?(i?b)?$/i)
    .transform((text) =>
      Math.round(Number.parseFloat(text) * (sizeUnits[unitOf(text.toLowerCase().replace(/i?b$/, ''))] ?? 1)),
    )
    .pipe(z.int().positive()),
]);

function unitOf(text: string): string {
  return text.replace(/[\d.\s]/g, '');
}

/** NaN for what is no unit: no check lets it through. */
function durationUnitOf(name: string): number {
  return durationUnits.find(([names]) => names.test(name))?.[1] ?? Number.NaN;
}

/** HarperDB writes `[null]` for a list that nobody has set. */
const origins = z.array(z.string().min(1).nullable()).transform((list) => {
  const named = list.filter((origin) => origin !== null);
  return named.length < list.length && named.length === 0 ? undefined : named;
});
const someOrigins = { expects: 'a list of origins, or ["*"] for any' };
const routePort = z.int().min(1).max(65_535);
/** One without a host, as HarperDB writes it, is none. */
const routes = z
  .array(z.object({ host: z.string().min(1).nullable(), port: routePort.nullish() }))
  .transform((list) =>
    list.flatMap(({ host, port }) => (host === null ? [] : [{ host, port: port ?? 9932 }])),
  );
const directories = z.array(path).min(1);
const someDirectories = { expects: 'a list of paths', isOperators: true };
const someRoutes = { expects: 'a list of {host, port}' };

/**
 * Every setting of a node: its key in the file, its type, its default and its other names.
 *
 * Keys that HarperDB 4.x has are spelled as there. What a default depends on is filled in by `config.ts`.
 */
export const settingsSchema = z.object({
  rootPath: setting(
    'The data directory: everything of the node is in it. `~/lyredb` if not set.',
    path.optional(),
    { ...aPath, aliases: ['HDB_ROOT', 'HDB_ROOT_KEY'] },
  ),
  'admin.username': setting('The first super user, made at the first start.', z.string().min(1).optional(), {
    expects: 'a user name',
    isText: true,
    isAliasOnlyInEnvironment: true,
    aliases: ['HDB_ADMIN_USERNAME', 'HDB_ADMIN'],
  }),
  'admin.password': setting(
    'Its password, at the first start. There is no default.',
    z.string().min(1).optional(),
    {
      expects: 'a text (in quotes, if it looks like a number)',
      isText: true,
      isSecret: true,
      isAliasOnlyInEnvironment: true,
      aliases: ['HDB_ADMIN_PASSWORD'],
    },
  ),
  'network.host': setting('The address that every listener binds to.', z.string().min(1).default('0.0.0.0'), {
    expects: 'an address to listen on',
    isText: true,
  }),

  'operationsApi.network.port': setting(
    'The operations API over HTTP.',
    z.union([port, z.literal(false)]).default(9925),
    {
      expects: `${aPort}, or false for TLS only`,
      aliases: ['SERVER_PORT'],
    },
  ),
  'operationsApi.network.domainSocket': setting(
    'The operations API for the user of the system that runs the node, without credentials. `operations-server` in the data directory if not set.',
    z.union([path, z.literal(false)]).optional(),
    {
      expects: 'a path, or false for none',
    },
  ),
  'operationsApi.network.securePort': setting(
    'The operations API over TLS; none if not set.',
    port.optional(),
    { expects: aPort },
  ),
  'operationsApi.network.https': setting(
    'Needs `operationsApi.network.securePort`; has no effect besides.',
    z.boolean().default(false),
    { ...isTrue, aliases: ['HTTPS_ON'] },
  ),
  'http.cors': setting('Whether pages of other addresses may ask.', z.boolean().default(true), isTrue),
  'http.corsAccessList': setting(
    'Of which addresses.',
    origins.optional().pipe(z.array(z.string()).default(['*'])),
    someOrigins,
  ),
  'operationsApi.network.cors': setting(
    'As `http.cors`; this one counts where both are set.',
    z.boolean().optional(),
    {
      ...isTrue,
      aliases: ['CORS_ON'],
    },
  ),
  'operationsApi.network.corsAccessList': setting(
    'As `http.corsAccessList`; this one counts where both are set.',
    origins.optional(),
    {
      ...someOrigins,
      aliases: ['CORS_ACCESSLIST', 'CORS_WHITELIST', 'operationsApi.network.corsWhitelist'],
    },
  ),
  'operationsApi.tls.certificate': setting(
    'As `tls.certificate`; this one counts where both are set.',
    path.optional(),
    aPath,
  ),
  'operationsApi.tls.privateKey': setting(
    'As `tls.privateKey`; this one counts where both are set.',
    path.optional(),
    aPath,
  ),
  'tls.certificate': setting(
    'The certificate of the operations API, PEM. `keys/certificate.pem` if not set, which the node makes.',
    path.optional(),
    { ...aPath, aliases: ['CERTIFICATE'] },
  ),
  'tls.privateKey': setting('Its key. `keys/privateKey.pem` if not set.', path.optional(), {
    ...aPath,
    aliases: ['PRIVATE_KEY'],
  }),
  'http.compressionThreshold': setting('Shorter answers are not compressed.', z.int().min(0).default(1_200), {
    expects: 'a number of bytes, or 0 for no compression',
  }),
  'operationsApi.maxBodyBytes': setting('Larger requests are refused.', size.default(GiB), aSize),

  'authentication.authorizeLocal': setting(
    'Whether requests from this machine that name no user act as super user.',
    z.boolean().default(false),
    isTrue,
  ),
  'authentication.enableSessions': setting(
    'Whether browsers may `login`.',
    z.boolean().default(true),
    isTrue,
  ),
  'authentication.operationTokenTimeout': setting(
    'How long operation tokens and sessions last.',
    duration.default(dayMs),
    {
      ...aDuration,
      aliases: ['OPERATION_TOKEN_TIMEOUT'],
    },
  ),
  'authentication.refreshTokenTimeout': setting(
    'How long refresh tokens last.',
    duration.default(30 * dayMs),
    {
      ...aDuration,
      aliases: ['REFRESH_TOKEN_TIMEOUT'],
    },
  ),

  'clustering.enabled': setting('Whether the node has peers.', z.boolean().default(false), {
    ...isTrue,
    aliases: ['CLUSTERING'],
  }),
  'clustering.nodeName': setting(
    'What peers call the node. The name of the machine if not set.',
    nodeName.optional(),
    {
      expects:
        'a name of 1 to 100 characters without . , * > or white space, and of at most 200 bytes where each that is no letter, digit, _ or - counts three times',
      isText: true,
      aliases: ['NODE_NAME', 'NODENAME'],
    },
  ),
  'clustering.user': setting(
    'The user by which nodes join, the same on all; not the administrator.',
    z.string().min(1).optional(),
    { expects: 'a user name', isText: true },
  ),
  'clustering.password': setting('Its password, the same on all nodes.', z.string().min(1).optional(), {
    expects: 'a text (in quotes, if it looks like a number)',
    isText: true,
    isSecret: true,
  }),
  'clustering.hubServer.cluster.network.port': setting('Where peers dial.', port.default(9932), {
    expects: aPort,
    aliases: ['CLUSTERING_PORT'],
  }),
  'clustering.hubServer.cluster.network.routes': setting('Nodes to dial.', routes.default([]), someRoutes),
  'clustering.leafServer.network.routes': setting('More of them.', routes.default([]), someRoutes),
  'clustering.leafServer.streams.maxAge': setting(
    'How long a stream keeps what the change log has too.',
    duration.default(30 * dayMs),
    aDuration,
  ),
  'clustering.leafServer.streams.maxBytes': setting(
    'How much a stream, one for each table that is published, keeps.',
    size.default(GiB),
    aSize,
  ),
  'clustering.relayWaitMs': setting(
    'How long a change may take over another link before the peer that has shown it is asked for it, in milliseconds.',
    milliseconds.default(2_000),
    { expects: someMilliseconds },
  ),
  'clustering.verifyIntervalMs': setting(
    'From the end of one comparison of a table with its publisher to the next, at most; at least three quarters of it.',
    milliseconds.default(10 * minuteMs),
    { expects: someMilliseconds },
  ),
  'clustering.maxClockSkewMs': setting(
    'What is further ahead of the clock waits in quarantine.',
    milliseconds.default(5 * minuteMs),
    { expects: someMilliseconds },
  ),
  'clustering.maxQuarantineBytes': setting(
    'Once what a peer has in quarantine takes so much, its channels wait.',
    size.default(64 * MiB),
    aSize,
  ),

  'storage.path': setting(
    'The directory of the store. `database` in the data directory if not set.',
    path.optional(),
    aPath,
  ),
  'storage.mapSize': setting(
    'Address space that the store begins with; it takes more when it is larger. What bounds it is `storage.minFreeDiskBytes`.',
    size.default(64 * GiB),
    aSize,
  ),
  'storage.maxTransactionBytes': setting('Larger transactions are refused.', size.default(64 * MiB), aSize),
  'storage.minFreeDiskBytes': setting(
    'Stays free on the disk: writes, backups and exports are refused before.',
    size.default(128 * MiB),
    aSize,
  ),
  'changeLog.maxAge': setting(
    'How long a node may be away without having to copy.',
    duration.default(30 * dayMs),
    aDuration,
  ),
  'changeLog.maxBytes': setting('How large the change log may become.', size.default(10 * GiB), aSize),
  tombstoneRetention: setting(
    'How long a delete is remembered at least.',
    duration.default(30 * dayMs),
    aDuration,
  ),
  tombstoneMax: setting(
    'How long it is remembered at most, for peers that have not heard of it.',
    duration.default(365 * dayMs),
    aDuration,
  ),

  'bulk.importDirectories': setting(
    'Where `csv_file_load` may read. `import` in the data directory if not set.',
    directories.optional(),
    someDirectories,
  ),
  'bulk.exportDirectories': setting(
    'Where `export_local` may write. `export` in the data directory if not set.',
    directories.optional(),
    someDirectories,
  ),
  'bulk.allowPrivateUrls': setting(
    'Whether `csv_url_load` may read from private addresses.',
    z.boolean().default(false),
    { ...isTrue, isOperators: true },
  ),

  'logging.level': setting('How much is logged.', z.enum(logLevels).default('info'), {
    expects: `one of ${logLevels.join(', ')}`,
    isText: true,
    aliases: ['LOG_LEVEL'],
  }),
  'logging.file': setting('Whether there is a log file, `hdb.log`.', z.boolean().default(true), {
    ...isTrue,
    aliases: ['LOG_TO_FILE'],
  }),
  'logging.stdStreams': setting('Whether standard output has the log.', z.boolean().default(true), {
    ...isTrue,
    aliases: ['LOG_TO_STDSTREAMS'],
  }),
  'logging.auditLog': setting('Whether `read_audit_log` answers.', z.boolean().default(true), isTrue),
  'logging.root': setting(
    'The directory of the log file. `log` in the data directory if not set.',
    path.optional(),
    { ...aPath, aliases: ['LOG_PATH'] },
  ),

  'bridge.inProcess': setting(
    'Whether the bridge runs in the api process: less memory, one thread for both.',
    z.boolean().default(false),
    isTrue,
  ),
  natsServerBin: setting(
    'The program nats-server, a path or a name on the `PATH`. One of the `PATH`, or of `npm run setup`, if not set.',
    path.optional(),
    { ...aPath, isOperators: true, aliases: ['NATS_SERVER_BIN'] },
  ),
});

export type Settings = z.output<typeof settingsSchema>;

export type SettingKey = keyof Settings;
