import * as z from 'zod';
import { nodeNameProblem } from '../model/names.ts';
import { logLevels } from '../runtime/logger.ts';

/** What a setting is besides its type. */
export interface SettingFacts {
  /** Completes the sentence "<key> must be ...". */
  readonly expects: string;
  /** Other names, besides the key with `_` for `.`; legacy names of the environment. */
  readonly aliases?: readonly string[];
  /** The value is text and is taken as it stands: a password `0123` is not the number 123. */
  readonly isText?: boolean;
  /** Never repeated in a message. */
  readonly isSecret?: boolean;
  /** Its value is milliseconds, and is written in seconds. */
  readonly isDuration?: boolean;
  /** Not read from the environment under its own key, only under its aliases: the name is too common. */
  readonly isAliasOnlyInEnvironment?: boolean;
}

export const settingFacts = z.registry<SettingFacts>();

function setting<T extends z.ZodType>(schema: T, facts: SettingFacts): T {
  settingFacts.add(schema, facts);
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
const aSize = 'a number of bytes, or a number with a unit: 64MiB, 10GiB';
const aPath = { expects: 'a path', isText: true };
const someMilliseconds = 'a number of milliseconds';

const port = z.int().min(0).max(65_535);
const path = z.string().min(1);
/** One that peers accept. */
const nodeName = z
  .string()
  .max(100)
  .refine((name) => nodeNameProblem(name) === undefined);
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
const directories = z.array(path).min(1).optional();
const someDirectories = { expects: 'a list of paths' };
const someRoutes = { expects: 'a list of {host, port}' };

/**
 * Every setting of a node: its key in the file, its type, its default and its other names.
 *
 * Keys that HarperDB 4.x has are spelled as there. What a default depends on is filled in by `config.ts`.
 */
export const settingsSchema = z.object({
  rootPath: setting(path.optional(), { ...aPath, aliases: ['HDB_ROOT', 'HDB_ROOT_KEY'] }),
  'admin.username': setting(z.string().min(1).optional(), {
    expects: 'a user name',
    isText: true,
    isAliasOnlyInEnvironment: true,
    aliases: ['HDB_ADMIN_USERNAME', 'HDB_ADMIN'],
  }),
  'admin.password': setting(z.string().min(1).optional(), {
    expects: 'a text (in quotes, if it looks like a number)',
    isText: true,
    isSecret: true,
    isAliasOnlyInEnvironment: true,
    aliases: ['HDB_ADMIN_PASSWORD'],
  }),
  'network.host': setting(z.string().min(1).default('0.0.0.0'), {
    expects: 'an address to listen on',
    isText: true,
  }),

  'operationsApi.network.port': setting(z.union([port, z.literal(false)]).default(9925), {
    expects: `${aPort}, or false for TLS only`,
    aliases: ['SERVER_PORT'],
  }),
  'operationsApi.network.domainSocket': setting(z.union([path, z.literal(false)]).optional(), {
    expects: 'a path, or false for none',
  }),
  'operationsApi.network.securePort': setting(port.optional(), { expects: aPort }),
  'operationsApi.network.https': setting(z.boolean().default(false), { ...isTrue, aliases: ['HTTPS_ON'] }),
  'http.cors': setting(z.boolean().default(true), isTrue),
  'http.corsAccessList': setting(origins.optional().pipe(z.array(z.string()).default(['*'])), someOrigins),
  'operationsApi.network.cors': setting(z.boolean().optional(), { ...isTrue, aliases: ['CORS_ON'] }),
  'operationsApi.network.corsAccessList': setting(origins.optional(), {
    ...someOrigins,
    aliases: ['CORS_ACCESSLIST', 'CORS_WHITELIST', 'operationsApi.network.corsWhitelist'],
  }),
  'operationsApi.tls.certificate': setting(path.optional(), aPath),
  'operationsApi.tls.privateKey': setting(path.optional(), aPath),
  'tls.certificate': setting(path.optional(), { ...aPath, aliases: ['CERTIFICATE'] }),
  'tls.privateKey': setting(path.optional(), { ...aPath, aliases: ['PRIVATE_KEY'] }),
  'http.compressionThreshold': setting(z.int().min(0).default(1_200), {
    expects: 'a number of bytes, or 0 for no compression',
  }),
  'operationsApi.maxBodyBytes': setting(size.default(GiB), { expects: aSize }),

  'authentication.authorizeLocal': setting(z.boolean().default(false), isTrue),
  'authentication.enableSessions': setting(z.boolean().default(true), isTrue),
  'authentication.operationTokenTimeout': setting(duration.default(dayMs), {
    ...aDuration,
    aliases: ['OPERATION_TOKEN_TIMEOUT'],
  }),
  'authentication.refreshTokenTimeout': setting(duration.default(30 * dayMs), {
    ...aDuration,
    aliases: ['REFRESH_TOKEN_TIMEOUT'],
  }),

  'clustering.enabled': setting(z.boolean().default(false), { ...isTrue, aliases: ['CLUSTERING'] }),
  'clustering.nodeName': setting(nodeName.optional(), {
    expects:
      'a name of 1 to 100 characters without . , * > or white space, and of at most 200 bytes where each that is no letter, digit, _ or - counts three times',
    isText: true,
    aliases: ['NODE_NAME', 'NODENAME'],
  }),
  'clustering.user': setting(z.string().min(1).optional(), { expects: 'a user name', isText: true }),
  'clustering.password': setting(z.string().min(1).optional(), {
    expects: 'a text (in quotes, if it looks like a number)',
    isText: true,
    isSecret: true,
  }),
  'clustering.hubServer.cluster.network.port': setting(port.default(9932), {
    expects: aPort,
    aliases: ['CLUSTERING_PORT'],
  }),
  'clustering.hubServer.cluster.network.routes': setting(routes.default([]), someRoutes),
  'clustering.leafServer.network.routes': setting(routes.default([]), someRoutes),
  'clustering.leafServer.streams.maxAge': setting(duration.default(30 * dayMs), aDuration),
  'clustering.leafServer.streams.maxBytes': setting(size.default(GiB), { expects: aSize }),
  'clustering.relayWaitMs': setting(milliseconds.default(2_000), { expects: someMilliseconds }),
  'clustering.verifyIntervalMs': setting(milliseconds.default(10 * minuteMs), { expects: someMilliseconds }),
  'clustering.maxClockSkewMs': setting(milliseconds.default(5 * minuteMs), { expects: someMilliseconds }),
  'clustering.maxQuarantineBytes': setting(size.default(64 * MiB), { expects: aSize }),

  'storage.path': setting(path.optional(), aPath),
  'storage.mapSize': setting(size.default(64 * GiB), { expects: aSize }),
  'storage.maxTransactionBytes': setting(size.default(64 * MiB), { expects: aSize }),
  'storage.minFreeDiskBytes': setting(size.default(128 * MiB), { expects: aSize }),
  'changeLog.maxAge': setting(duration.default(30 * dayMs), aDuration),
  'changeLog.maxBytes': setting(size.default(10 * GiB), { expects: aSize }),
  tombstoneRetention: setting(duration.default(30 * dayMs), aDuration),
  tombstoneMax: setting(duration.default(365 * dayMs), aDuration),

  'bulk.importDirectories': setting(directories, someDirectories),
  'bulk.exportDirectories': setting(directories, someDirectories),
  'bulk.allowPrivateUrls': setting(z.boolean().default(false), isTrue),

  'logging.level': setting(z.enum(logLevels).default('info'), {
    expects: `one of ${logLevels.join(', ')}`,
    isText: true,
    aliases: ['LOG_LEVEL'],
  }),
  'logging.file': setting(z.boolean().default(true), { ...isTrue, aliases: ['LOG_TO_FILE'] }),
  'logging.stdStreams': setting(z.boolean().default(true), { ...isTrue, aliases: ['LOG_TO_STDSTREAMS'] }),
  'logging.auditLog': setting(z.boolean().default(true), isTrue),
  'logging.root': setting(path.optional(), { ...aPath, aliases: ['LOG_PATH'] }),

  'bridge.inProcess': setting(z.boolean().default(false), isTrue),
  natsServerBin: setting(path.optional(), { ...aPath, aliases: ['NATS_SERVER_BIN'] }),
});

export type Settings = z.output<typeof settingsSchema>;

export type SettingKey = keyof Settings;
