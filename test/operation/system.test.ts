import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ConfigurationFile } from '../../src/config/configuration-file.ts';
import { Rows } from '../../src/operation/rows.ts';
import { runOperation } from '../../src/operation/run-operation.ts';
import { requireTable } from '../../src/operation/table-lookup.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { inTurns } from '../../src/runtime/pauses.ts';
import { dog, makeDogs } from './dog.ts';
import { clusterUser, openContext, type TestContext } from './open-context.ts';

interface TestNode extends AsyncDisposable {
  readonly directory: string;
  readonly t: TestContext;
  readonly asked: string[];
  call(body: object): Promise<unknown>;
  /** Its answer as the operation gives it. */
  run(body: object): Promise<unknown>;
}

/** Operations with a real configuration file and log around them. */
async function openNode(yaml = '', auditLog = true): Promise<TestNode> {
  const directory = await mkdtemp(join(tmpdir(), 'lyre-system-'));
  await writeFile(join(directory, 'harperdb-config.yaml'), yaml);
  const t = await openContext();
  const asked: string[] = [];
  const node = {
    configuration: new ConfigurationFile({ env: { ROOTPATH: directory }, cwd: directory }),
    logDirectory: directory,
    auditLog,
    restart: () => void asked.push('node'),
    restartClustering: () => void asked.push('clustering'),
  };
  const run = async (body: object): Promise<unknown> => runOperation({ ...t.context, node }, body);
  return {
    directory,
    t,
    asked,
    run,
    async call(body) {
      return JSON.parse(JSON.stringify(await readRows(run(body)))) as unknown;
    },
    async [Symbol.asyncDispose]() {
      await t[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

async function readRows(answer: Promise<unknown>): Promise<unknown> {
  const told = await answer;
  return typeof told === 'object' && told !== null && Symbol.iterator in told
    ? Array.from(told as Iterable<unknown>)
    : told;
}

test('a status is set, shown, kept to its texts, and cleared', async () => {
  await using t = await openContext();

  expect(await t.call({ operation: 'set_status', id: 'availability', status: 'Available' })).toEqual({
    id: 'availability',
    status: 'Available',
    __createdtime__: expect.any(Number),
    __updatedtime__: expect.any(Number),
  });
  await t.call({ operation: 'set_status', status: 'testing' });
  expect(await t.call({ operation: 'get_status', id: 'primary' })).toMatchObject({ status: 'testing' });
  expect(await t.call({ operation: 'get_status' })).toMatchObject({
    systemStatus: [{ id: 'availability' }, { id: 'primary' }],
    restartRequired: false,
  });
  await expect(t.call({ operation: 'set_status', id: 'availability', status: 'Maybe' })).rejects.toThrow(
    "'status' must be one of [Available, Unavailable]",
  );
  expect(await t.call({ operation: 'clear_status', id: 'primary' })).toEqual({
    message: 'Status successfully cleared',
  });
  await expect(t.call({ operation: 'get_status', id: 'primary' })).rejects.toMatchObject({
    code: 'not_found',
  });
});

test('a fingerprint stays the same', async () => {
  await using t = await openContext();

  const first = await t.call({ operation: 'get_fingerprint' });

  expect(first).toEqual({ message: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(await t.call({ operation: 'get_fingerprint' })).toEqual(first);
});

test.each([
  ['get_configuration', 'getConfiguration'],
  ['set_configuration', 'setConfiguration'],
  ['system_information', 'systemInformation'],
  ['restart', 'restart'],
  ['restart_service', 'restartService'],
  ['read_log', 'readLog'],
  ['read_audit_log', 'readAuditLog'],
  ['set_status', 'setStatus'],
  ['get_fingerprint', 'getFingerprint'],
])('%s is for super users', async (operation, name) => {
  await using t = await openContext();

  await expect(t.call({ operation }, clusterUser)).rejects.toMatchObject({
    unauthorizedAccess: [`Operation '${name}' is restricted to 'super_user' roles`],
  });
});

test('the configuration is shown in sections, with what clients look for and without secrets', async () => {
  await using n = await openNode(
    'clustering: { user: u, password: geheim }\nchangeLog: { maxAge: 90 }\nreplication: { shard: 3 }\n',
  );

  const shown = await n.call({ operation: 'get_configuration' });

  expect(shown).toMatchObject({
    rootPath: n.directory,
    componentsRoot: join(n.directory, 'components'),
    logging: { level: 'info', auditLog: true },
    localStudio: { enabled: false },
    operationsApi: { network: { port: 9925 } },
    threads: { count: 1 },
    authentication: { authorizeLocal: false },
    clustering: { user: 'u', leafServer: { streams: { maxAge: 2_592_000 } } },
    changeLog: { maxAge: 90 },
    replication: { shard: 3 },
  });
  expect(JSON.stringify(shown)).not.toContain('geheim');
});

test('settings are written to the file, in any spelling, with the old file kept', async () => {
  await using n = await openNode('# ours\nlogging:\n  level: warn # quiet\n');

  const answer = await n.call({
    operation: 'set_configuration',
    operationsAPI_network_PORT: 9999,
    logging_level: 'debug',
    http_requestQueueLimit: 5,
    nothing_of_ours: true,
  });

  expect(answer).toEqual({
    message:
      'Configuration successfully set. You must restart HarperDB for new config settings to take effect.',
  });
  expect(await n.call({ operation: 'get_configuration' })).toMatchObject({
    operationsApi: { network: { port: 9999 } },
    logging: { level: 'debug' },
    http: { requestQueueLimit: 5 },
  });
  const text = await readFile(join(n.directory, 'harperdb-config.yaml'), 'utf8');
  expect(text).toContain('# ours');
  expect(text).not.toContain('nothing');
  const [backup] = await readdir(join(n.directory, 'backup'));
  expect(await readFile(join(n.directory, 'backup', backup ?? ''), 'utf8')).toContain('level: warn');
});

test.each(['', 'null\n', '# ours\n'])('settings are added to a file that says nothing: %j', async (text) => {
  await using n = await openNode(text);
  const file = join(n.directory, 'harperdb-config.yaml');

  await n.call({ operation: 'set_configuration', nothing_of_ours: true });
  expect(await readFile(file, 'utf8')).toBe(text);

  await n.call({ operation: 'set_configuration', logging_level: 'debug' });
  expect(await n.call({ operation: 'get_configuration' })).toMatchObject({ logging: { level: 'debug' } });
});

test.each([
  [{ http_cors: 'spinach' }, "HarperDB config file validation error: 'http.cors' must be a boolean"],
  [
    { operationsApi_network_port: 'x' },
    "HarperDB config file validation error: 'operationsApi.network.port' must be a port number from 0 (any free port) to 65535",
  ],
  [
    { logging_levl: 'debug' },
    "HarperDB config file validation error: 'logging_levl' is unknown; did you mean 'logging_level'?",
  ],
  [{ rootPath: '/' }, "HarperDB config file validation error: 'rootPath' is set in the environment only"],
  [
    { clustering_password: 'x' },
    "HarperDB config file validation error: 'clustering.password' is set in the environment only",
  ],
  [{ clustering_enabled: true }, 'configuration: clustering.enabled needs CLUSTERING_USER'],
])('%j is refused and the file stays as it is', async (values, message) => {
  await using n = await openNode('logging: { level: warn }\n');

  await expect(
    n.call({ operation: 'set_configuration', logging_level: 'debug', ...values }),
  ).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining(message) });

  expect(await readFile(join(n.directory, 'harperdb-config.yaml'), 'utf8')).toBe(
    'logging: { level: warn }\n',
  );
});

test('restart and restart_service ask the process for what they say', async () => {
  await using n = await openNode();

  expect(await n.call({ operation: 'restart' })).toEqual({
    message: 'Restarting HarperDB. This may take up to 60 seconds.',
  });
  expect(await n.call({ operation: 'restart_service', service: 'http_workers' })).toEqual({
    message: 'Restarting http_workers',
  });
  await n.call({ operation: 'restart_service', service: 'clustering' });
  await expect(n.call({ operation: 'restart_service', service: 'tea' })).rejects.toThrow('Invalid service');
  expect(n.asked).toEqual(['node', 'node', 'clustering']);
});

test('read_log shows what the node logs, by level, text, time and order', async () => {
  await using n = await openNode();
  const log = createLogger({
    level: 'info',
    stdStreams: false,
    name: 'api',
    destination: join(n.directory, 'hdb.log'),
  });
  for (const [index, word] of ['one', 'two', 'three'].entries()) {
    if (index === 1) log.error({ port: 7 }, word);
    else log.info(word);
  }
  const read = async (filters: object): Promise<unknown> =>
    ((await n.call({ operation: 'read_log', ...filters })) as { message: string }[]).map(
      ({ message }) => message,
    );

  expect(await read({})).toEqual(['one', 'two {"port":7}', 'three']);
  expect(await read({ order: 'desc', start: 1, limit: 1 })).toEqual(['two {"port":7}']);
  expect(await read({ start: 2 })).toEqual(['three']);
  expect(await read({ level: 'error' })).toEqual(['two {"port":7}']);
  expect(await read({ filter: 'thr' })).toEqual(['three']);
  expect(await read({ from: '2100-01-01' })).toEqual([]);
  expect(await read({ until: '2000-01-01' })).toEqual([]);
  expect(await n.call({ operation: 'read_log', limit: 1 })).toEqual([
    {
      level: 'info',
      message: 'one',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      thread: `api/${process.pid}`,
      tags: [],
    },
  ]);
});

test('read_log reads log files of this node and nothing else', async () => {
  await using n = await openNode();
  await mkdir(join(n.directory, 'more'));

  await expect(n.call({ operation: 'read_log', log_name: '../hdb.log' })).rejects.toMatchObject({
    code: 'invalid_request',
  });
  await expect(n.call({ operation: 'read_log', log_name: 'other.log' })).rejects.toMatchObject({
    code: 'not_found',
  });
});

test('read_audit_log tells who wrote what, by time, key and user', async () => {
  await using n = await openNode();
  await makeDogs(n, [{ id: 1, name: 'a' }, { id: 2 }]);
  await n.call({ operation: 'update', ...dog, records: [{ id: 1, name: 'b' }] });
  await n.call({ operation: 'delete', ...dog, ids: [2] });
  const read = (more: object = {}): Promise<unknown> =>
    n.call({ operation: 'read_audit_log', ...dog, ...more });

  const all = (await read()) as { timestamp: number }[];

  expect(all).toMatchObject([
    {
      operation: 'insert',
      user_name: 'local',
      hash_values: [1, 2],
      records: [{ id: 1, name: 'a' }, { id: 2 }],
    },
    { operation: 'update', hash_values: [1], records: [{ id: 1, name: 'b' }] },
    { operation: 'delete', hash_values: [2] },
  ]);
  expect(await read({ search_type: 'timestamp', search_values: [all[1]?.timestamp] })).toEqual(all.slice(1));
  expect(await read({ search_type: 'hash_value', search_values: [2, 9] })).toEqual({
    '2': [all[0], all[2]],
    '9': [],
  });
  expect(await read({ search_type: 'username', search_values: ['local'] })).toEqual({ local: all });
  expect(await read({ limit: 1 })).toEqual(all.slice(0, 1));
});

test.each([
  ['read_transaction_log', { from: 9e15 }],
  ['read_transaction_log', { to: 0 }],
  ['read_audit_log', { search_type: 'timestamp', search_values: [9e15] }],
  ['read_audit_log', { search_type: 'hash_value', search_values: ['none'] }],
  ['read_audit_log', { search_type: 'username', search_values: ['nobody'] }],
])('others have their turn while %s reads a long log: %j', async (operation, more) => {
  await using n = await openNode();
  await makeDogs(n);
  const { store } = n.t;
  const table = requireTable(store, 'dev', 'dog');
  await Promise.all(
    Array.from({ length: 3_000 }, (_, id) =>
      store.write({ table, operation: 'insert', documents: [{ id, text: 'x'.repeat(4_000) }] }),
    ),
  );
  const ended: string[] = [];
  const read = async (): Promise<void> => {
    const answer = await n.run({ operation, ...dog, ...more });
    if (answer instanceof Rows) for await (const _ of inTurns(answer.withPauses)) ended.push('row');
    ended.push('log');
  };
  const other = async (): Promise<void> => {
    await nextTurn();
    await n.call({ operation: 'search_by_id', ...dog, ids: [1], get_attributes: ['id'] });
    ended.push('other');
  };

  await Promise.all([read(), other()]);

  expect(ended).toEqual(['other', 'log']);
});

test('read_audit_log takes times as ms since 1970 and as ISO-8601, and nothing else', async () => {
  await using n = await openNode();
  await makeDogs(n, [{ id: 1 }]);
  const read = (...values: unknown[]): Promise<unknown> =>
    n.call({ operation: 'read_audit_log', ...dog, search_type: 'timestamp', search_values: values });
  const all = await read();
  const at = (all as { timestamp: number }[])[0]?.timestamp ?? 0;

  expect(await read('2020-01-01')).toEqual(all);
  expect(await read('1969-12-31')).toEqual(all);
  expect(await read('2999-01-01')).toEqual([]);
  expect(await read(0, '2020-01-01T00:00:00.000Z')).toEqual([]);
  expect(await read(new Date(at - 1).toISOString(), new Date(at + 1).toISOString())).toEqual(all);
  expect(await read(String(at), String(at))).toEqual(all);
  expect(await read(0, at - 1)).toEqual([]);
  for (const value of ['2026-13-28', 'yesterday', '', ' ', '28.11.2026', -1, '-1', '0x10', 'Infinity'])
    for (const values of [[value], [0, value]])
      await expect(read(...values)).rejects.toMatchObject({
        code: 'invalid_request',
        message:
          "'search_values' must be times: numbers of ms since 1970, or in ISO-8601 format (YYYY-MM-DD)",
      });
});

test('read_audit_log tells what a transaction put and what it deleted under the keys of each', async () => {
  await using n = await openNode();
  await makeDogs(n, [{ id: 1 }]);
  const operations = [
    { operation: 'delete', ...dog, ids: [1] },
    { operation: 'insert', ...dog, records: [{ id: 2 }] },
  ];
  await n.call({ operation: 'transaction', operations });
  const read = (more: object = {}): Promise<unknown> =>
    n.call({ operation: 'read_audit_log', ...dog, ...more });

  const all = (await read()) as { timestamp: number }[];

  const [inserted, deleted, put] = all;
  const common = { user_name: 'local', timestamp: deleted?.timestamp };
  expect(all).toEqual([
    expect.objectContaining({ operation: 'insert', hash_values: [1] }),
    { operation: 'delete', ...common, hash_values: [1] },
    { operation: 'upsert', ...common, hash_values: [2], records: [expect.objectContaining({ id: 2 })] },
  ]);
  expect(await read({ search_type: 'hash_value', search_values: [1, 2] })).toEqual({
    '1': [inserted, deleted],
    '2': [put],
  });
});

test('the audit log says what is missing, and that it is switched off', async () => {
  await using n = await openNode();
  await using off = await openNode('', false);

  await expect(n.call({ operation: 'read_audit_log', table: 'dog' })).rejects.toThrow('database is required');
  await expect(n.call({ operation: 'read_audit_log', schema: 'dev' })).rejects.toThrow('table is required');
  for (const operation of ['read_audit_log', 'delete_audit_logs_before'])
    await expect(off.call({ operation, ...dog, timestamp: 1 })).rejects.toThrow(
      'To use this operation audit log must be enabled in harperdb-config.yaml',
    );
});

test('system_information tells the sections that are asked for', async () => {
  await using n = await openNode();
  await makeDogs(n, [{ id: 1 }]);

  const told = await n.call({
    operation: 'system_information',
    attributes: ['time', 'memory', 'table_size', 'threads', 'harperdb_processes'],
  });

  expect(told).toMatchObject({
    time: { current: expect.any(Number), uptime: expect.any(Number), timezone: expect.any(String) },
    memory: { total: expect.any(Number), swapfree: expect.any(Number), available: expect.any(Number) },
    table_size: [{ ...dog, record_count: 1, transaction_log_record_count: 1 }],
    threads: [{ name: 'main' }],
  });
  expect(told).not.toHaveProperty('cpu');
  await expect(n.call({ operation: 'system_information', attributes: ['tea'] })).rejects.toMatchObject({
    code: 'invalid_request',
  });
});
