import { rm, symlink, writeFile } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { encode as encodeCbor } from 'cbor-x';
import { pack } from 'msgpackr';
import { expect } from 'vitest';
import { ConfigurationFile } from '../../../src/config/configuration-file.ts';
import { systemDatabase, type Table } from '../../../src/model/table.ts';
import type { OperationServices } from '../../../src/operation/operation.ts';
import type { Store } from '../../../src/store/store.ts';
import { MemoryReplication } from '../../operation/open-context.ts';
import { admin, openServer, type TestServer } from '../open-server.ts';
import { encodeJson } from './hostile.ts';
import type { FuzzRequest } from './request-arbitrary.ts';
import { WatchedEnvironment } from './watched-environment.ts';

export interface FuzzAnswer {
  readonly status: number;
  /** Its bytes as characters. */
  readonly text: string;
  /** Undefined for an answer in another format. */
  readonly json: unknown;
}

/** A server with data, a configuration, files, and peers that live in memory. */
export interface FuzzServer extends AsyncDisposable {
  readonly t: TestServer;
  /** All that the store holds, as one digest. */
  digest(): string;
  /** Resolves when what the request began has ended, too. */
  send(request: FuzzRequest): Promise<FuzzAnswer>;
  /** Makes the data, users, files and settings what they were in the beginning. */
  reset(): Promise<void>;
}

const keptUsers = ['admin', 'guest'];
const keptRoles = ['super_user', 'cluster_user', 'guest_role'];
const contentTypes = { json: 'application/json', msgpack: 'application/x-msgpack', cbor: 'application/cbor' };
const authorizations = {
  admin,
  reader: `Basic ${Buffer.from('guest:secret').toString('base64')}`,
  stranger: undefined,
};

export async function openFuzzServer(): Promise<FuzzServer> {
  const replication = new MemoryReplication();
  replication.verified = [{ node: 'n2', outcome: 'identical', comparedBy: 'n1' }];
  let environment: WatchedEnvironment | undefined;
  let steadyMs = 0;
  const t = await openServer({
    watch: (inner) => (environment = new WatchedEnvironment(inner)),
    services: (directory) => servicesIn(directory, replication),
    // Time flies, so that no login waits for the brake.
    steadyMs: () => (steadyMs += 60_000),
  });
  const watched = environment ?? expect.fail('the store has not been opened');
  const reset = async (): Promise<void> => {
    replication.connected.length = 0;
    replication.purged.length = 0;
    await resetFiles(t.directory);
    await resetStore(t);
    await t.post({ operation: 'add_node', node_name: 'n2', subscriptions: [] });
  };
  await fillUsers(t);
  await reset();
  return {
    t,
    reset,
    digest: () => watched.digest(),
    async send(request) {
      const answer = await post(t, request);
      await jobsEnded(t);
      return answer;
    },
    [Symbol.asyncDispose]: () => t[Symbol.asyncDispose](),
  };
}

function servicesIn(directory: string, replication: MemoryReplication): Partial<OperationServices> {
  return {
    replication,
    bulk: {
      importDirectories: [join(directory, 'import')],
      exportDirectories: [join(directory, 'export')],
      scratchDirectory: directory,
      allowPrivateUrls: false,
    },
    node: {
      configuration: new ConfigurationFile({ env: { ROOTPATH: join(directory, 'node') }, cwd: directory }),
      logDirectory: join(directory, 'node'),
      auditLog: true,
      // A restart is asked of the process; this one has to go on.
      restart: () => undefined,
      restartClustering: () => undefined,
    },
  };
}

async function post(t: TestServer, request: FuzzRequest): Promise<FuzzAnswer> {
  const authorization = authorizations[request.caller];
  const response = await fetch(t.url, {
    method: 'POST',
    headers: {
      'content-type': contentTypes[request.format],
      accept: request.accept,
      ...(authorization && { authorization }),
    },
    body: new Uint8Array(damaged(encode(request), request.damage)),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    text: bytes.toString('latin1'),
    json: isJson ? (JSON.parse(bytes.toString()) as unknown) : undefined,
  };
}

function encode({ body, format }: FuzzRequest): Buffer {
  if (format === 'json') return Buffer.from(encodeJson(body));
  return format === 'msgpack' ? pack(body) : encodeCbor(body);
}

function damaged(bytes: Buffer, damage: FuzzRequest['damage']): Buffer {
  if (damage === null || bytes.length === 0) return bytes;
  const at = damage.at % bytes.length;
  switch (damage.kind) {
    case 'cut':
      return bytes.subarray(0, at);
    case 'repeat':
      return Buffer.concat([bytes, bytes.subarray(at)]);
    case 'flip': {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(at) ^ (1 << (damage.at % 8)), at);
      return copy;
    }
  }
}

async function jobsEnded({ services: { jobs } }: TestServer): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const running = jobs.all().filter(({ status }) => status === 'CREATED' || status === 'IN_PROGRESS');
    if (running.length === 0) return;
    if (Date.now() > deadline) expect.fail(`A job does not end: ${JSON.stringify(running)}`);
    await nextTurn();
  }
}

async function resetFiles(directory: string): Promise<void> {
  for (const name of ['import', 'export', 'node'])
    await rm(join(directory, name), { recursive: true, force: true });
  for (const name of ['import', 'export/sub', 'node']) mkdirSync(join(directory, name), { recursive: true });
  await writeFile(join(directory, 'secret'), 'id,name\n99,secret\n');
  await writeFile(join(directory, 'import', 'load.csv'), 'id,name\n5,Max\n');
  await symlink('../secret', join(directory, 'import', 'link.csv'));
  await symlink('..', join(directory, 'export', 'link'));
  const entry = { level: 'info', time: '2026-01-01T00:00:00.000Z', msg: 'started' };
  await writeFile(join(directory, 'node', 'hdb.log'), `${JSON.stringify(entry)}\n`);
  await writeFile(join(directory, 'node', 'harperdb-config.yaml'), '');
}

const attributes = [
  { name: 'id', indexed: true },
  { name: 'age', indexed: true, type: 'Int' },
];
const conflict = {
  id: 'c1',
  schema: 'dev',
  table: 'dog',
  hash_value: 1,
  loser: { record: { id: 1, name: 'Rex' } },
};
const dogs = [
  { id: 1, name: 'Rex', age: 3, tags: ['a'] },
  { id: 2, name: 'Ina', age: 2.5 },
  { id: 'a', name: null },
];

async function resetStore({ store }: TestServer): Promise<void> {
  const { catalog } = store;
  for (const database of catalog.databases()) await catalog.dropDatabase(database);
  for (const table of catalog.tables(systemDatabase)) {
    const keep = table.name === 'hdb_user' ? keptUsers : table.name === 'hdb_role' ? keptRoles : [];
    for (const document of store.search(table, {})) {
      const key = String(document[table.primaryKey]);
      if (!keep.includes(key)) await store.replaceSystemDocument(table.name, key, null);
    }
  }
  await catalog.createDatabase('empty');
  for (const database of ['dev', 'data']) {
    const dog = await catalog.createTable({ database, name: 'dog', primaryKey: 'id' });
    await catalog.createTable({ database, name: 'cat', primaryKey: 'name' });
    await catalog.createTable({
      database,
      name: 'declared',
      primaryKey: 'id',
      schemaDefined: true,
      attributes,
    });
    await store.write({ table: dog, operation: 'insert', documents: dogs });
  }
  await store.replaceSystemDocument('hdb_conflicts', 'c1', conflict);
  await store.replaceSystemDocument('hdb_quarantine', 'q1', {
    id: 'q1',
    schema: 'dev',
    table: 'dog',
    item: '',
  });
  const role = { id: 'r1', role: 'r1', permission: { structure_user: true } };
  await store.replaceSystemDocument('hdb_role', 'r1', role);
  const guest = store.get(system(store, 'hdb_user'), 'guest') ?? expect.fail('no guest');
  await store.replaceSystemDocument('hdb_user', 'u1', { ...guest, username: 'u1', role: 'r1' });
}

async function fillUsers(t: TestServer): Promise<void> {
  const may = { read: true, insert: true, update: true, delete: false };
  const attribute_permissions = [{ attribute_name: 'name', read: true, insert: true, update: false }];
  const permission = {
    dev: { tables: { dog: { ...may, attribute_permissions }, cat: { ...may, attribute_permissions: [] } } },
  };
  await t.store.write({
    table: system(t.store, 'hdb_role'),
    operation: 'upsert',
    documents: [{ id: 'guest_role', role: 'guest_role', permission }],
  });
  const made = await t.post({
    operation: 'add_user',
    username: 'guest',
    password: 'secret',
    role: 'guest_role',
  });
  expect(made.status).toBe(200);
}

function system(store: Store, name: string): Table {
  return store.catalog.table(systemDatabase, name) ?? expect.fail(name);
}
