import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ClusterNode } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Load } from './support/load.ts';
import { isRunning, processesOfDirectory } from './support/node-processes.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { makeTable } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

type Environment = Readonly<Record<string, string>>;

interface Obstacle {
  /** Under which the node cannot start. */
  readonly environment: Environment;
  /** Removes the cause; the environment stays the same, except for what is given. */
  readonly remove: () => Promise<Environment> | Environment;
}

interface Failure {
  readonly what: string;
  readonly prepare: (node: ClusterNode) => Promise<Obstacle> | Obstacle;
  /** What the one line must tell. */
  readonly says: readonly (RegExp | ((node: ClusterNode, environment: Environment) => string))[];
}

const failures: readonly Failure[] = [
  {
    what: 'the port of the API is taken',
    prepare: async () => takenPort('SERVER_PORT'),
    says: [(_, { SERVER_PORT: port }) => `127.0.0.1:${port}`, /taken|in use/, /SERVER_PORT/],
  },
  {
    what: 'the cluster port is taken',
    prepare: async () => takenPort('CLUSTERING_PORT'),
    says: [(_, { CLUSTERING_PORT: port }) => `${port}`, /cluster port/i, /taken|in use/],
  },
  {
    what: 'its data directory cannot be made',
    prepare: (node) => {
      const file = join(node.rootPath, 'file');
      writeFileSync(file, '');
      return {
        environment: { ROOTPATH: join(file, 'below') },
        remove: () => {
          rmSync(file);
          return {};
        },
      };
    },
    says: [(node) => join(node.rootPath, 'file', 'below'), /data directory/],
  },
  {
    what: 'there is no administrator and none is given',
    prepare: () => byEnvironment({ HDB_ADMIN_USERNAME: '', HDB_ADMIN_PASSWORD: '' }),
    says: [/HDB_ADMIN_USERNAME/, /HDB_ADMIN_PASSWORD/],
  },
  {
    what: 'the administrator has no password',
    prepare: () => byEnvironment({ HDB_ADMIN_PASSWORD: '' }),
    says: [/HDB_ADMIN_PASSWORD/],
  },
  {
    what: 'nats-server is not where NATS_SERVER_BIN says',
    prepare: (node) => byEnvironment({ NATS_SERVER_BIN: join(node.rootPath, 'no-such-server') }),
    says: [/NATS_SERVER_BIN/, (node) => join(node.rootPath, 'no-such-server'), /not found/],
  },
  {
    what: 'nats-server is too old',
    prepare: (node) => {
      const script = join(node.rootPath, 'old-server');
      writeFileSync(script, '#!/bin/sh\necho "nats-server: v2.10.26"\n');
      chmodSync(script, 0o755);
      return byEnvironment({ NATS_SERVER_BIN: script });
    },
    says: [(node) => join(node.rootPath, 'old-server'), /2\.10\.26/, /2\.10\.27/],
  },
  {
    what: 'NATS_SERVER_BIN is no program at all',
    prepare: (node) => {
      const file = join(node.rootPath, 'text');
      writeFileSync(file, 'not a program');
      return byEnvironment({ NATS_SERVER_BIN: file });
    },
    says: [/NATS_SERVER_BIN/, (node) => join(node.rootPath, 'text')],
  },
  {
    what: 'its configuration is not YAML',
    prepare: (node) => byFile(node, 'clustering: [1, 2\noperationsApi: {'),
    says: [(node) => join(node.rootPath, 'lyre.yaml'), /YAML/],
  },
  {
    what: 'its configuration is a list',
    prepare: (node) => byFile(node, '- one\n- two\n'),
    says: [(node) => join(node.rootPath, 'lyre.yaml')],
  },
  {
    what: 'its configuration has a value of another type',
    prepare: (node) => byFile(node, 'operationsApi:\n  network:\n    port: many\n'),
    says: [
      (node) => join(node.rootPath, 'lyre.yaml'),
      /operationsApi\.network\.port/,
      /port number/,
      /"many"/,
    ],
  },
  {
    what: 'its configuration has a key that nobody knows',
    prepare: (node) => byFile(node, 'clustering:\n  enabeld: true\n'),
    says: [
      (node) => join(node.rootPath, 'lyre.yaml'),
      /clustering\.enabeld/,
      /did you mean clustering\.enabled\?/,
    ],
  },
  {
    what: 'its environment has a name that nobody knows',
    prepare: () => byEnvironment({ CLUSTERING_PASWORD: 'x' }),
    says: [/CLUSTERING_PASWORD/, /did you mean CLUSTERING_PASSWORD\?/],
  },
  {
    what: 'its environment has a value of another type',
    prepare: () => byEnvironment({ CLUSTERING: 'perhaps' }),
    says: [/CLUSTERING/, /true or false/, /"perhaps"/],
  },
  {
    what: 'clustering is on without a user',
    prepare: () => byEnvironment({ CLUSTERING_USER: '' }),
    says: [/CLUSTERING_USER/],
  },
  {
    what: 'clustering is on without a password',
    prepare: () => byEnvironment({ CLUSTERING_PASSWORD: '' }),
    says: [/CLUSTERING_PASSWORD/],
  },
];

describe('a node that cannot start says why in one line, and starts once the cause is gone', () => {
  test.concurrent.each(failures)('$what', async ({ prepare, says }) => {
    await using node = ClusterNode.create('failing');
    const { environment, remove } = await prepare(node);

    const { status, stdout, stderr } = await node.startInVain(environment);

    expect(stdout).toBe('');
    expect(stderr).toMatch(/^lyre: [^\n]+\n$/);
    for (const part of says)
      if (part instanceof RegExp) expect(stderr).toMatch(part);
      else expect(stderr).toContain(part(node, environment));
    expect(stderr).not.toMatch(/cluster secret|admin secret|\n\s+at /);
    expect(status).toBe(1);
    // What was begun beside it ends with it, and may need a moment for that.
    await waitFor('nothing to be left', () => processesOfDirectory(node.rootPath).length === 0, {
      limitMs: 5_000,
    });

    await node.start({ ...environment, ...(await remove()) });
    await node.must({ operation: 'create_table', table: 'works', hash_attribute: 'id' });
    await node.whole();
    await node.stop();
  });

  test('its data directory is in use by another node, which does not notice', async () => {
    await using owner = await ClusterNode.start('owner');
    await using second = ClusterNode.create('second');
    await owner.must({ operation: 'create_table', table: 'kept', hash_attribute: 'id' });
    const before = await owner.whole();

    const { status, stdout, stderr } = await second.startInVain({ ROOTPATH: owner.rootPath });

    expect(stdout).toBe('');
    expect(stderr).toMatch(/^lyre: [^\n]+\n$/);
    expect(stderr).toContain(owner.rootPath);
    expect(stderr).toContain(`in use by another node (process ${before.api})`);
    expect(status).toBe(1);
    await owner.must({ operation: 'insert', table: 'kept', records: [{ id: 1 }] });
    expect(await owner.whole()).toEqual(before);

    await owner.stop();
    await second.start({ ROOTPATH: owner.rootPath, NODE_NAME: owner.name });
    expect([...(await second.rows('data', 'kept')).keys()]).toEqual([1]);
    await second.stop();
  });

  test('a node that has been set up needs the administrator no more', async () => {
    await using node = await ClusterNode.start('set-up');
    await node.stop();

    await node.start({ HDB_ADMIN_USERNAME: '', HDB_ADMIN_PASSWORD: '' });

    expect((await node.op({ operation: 'user_info' })).status).toBe(200);
  });
});

const place = ['default', 'load'] as const;

describe('a node that ends', () => {
  test('ends with status 0 within 10 s of SIGTERM under load from both sides, and keeps what it has acknowledged', async () => {
    await using pair = await Pair.sharing(place);
    const expected = new ExpectedWinners();
    await using hostLoad = new Load({ node: pair.host, place, expected, seed: 1, writers: 8 });
    await using edgeLoad = new Load({ node: pair.edge, place, expected, seed: 1, writers: 8 });

    for (const node of [pair.edge, pair.host, pair.edge]) {
      await Promise.all([hostLoad.advance(50), edgeLoad.advance(50)]);
      // Checks the status, the time and that nobody is left behind.
      await node.stop();
      await node.start();
    }
    await Promise.all([hostLoad.advance(50), edgeLoad.advance(50)]);
    await Promise.all([hostLoad.stop(), edgeLoad.stop()]);

    const rows = await converged(pair.nodes, place, expected, { limitMs: 60_000 });
    expect(rows.size).toBeGreaterThan(500);
  });

  test('leaves neither bridge nor nats-server behind when its api is killed, and its ports are free at once', async () => {
    await using node = await ClusterNode.start('killed');
    const expected = new ExpectedWinners();
    const recorder = new Recorder(node, place, expected);
    await node.must({ operation: 'create_schema', schema: 'default' });
    await makeTable(node, place);
    const ports = { SERVER_PORT: String(node.apiPort), CLUSTERING_PORT: String(node.address.port) };
    await node.stop();
    await node.start(ports);

    for (let round = 0; round < 3; round += 1) {
      await recorder.insert({ id: `before-${round}` });
      const before = await node.whole();
      await node.kill('api');
      // At once: whoever starts it does not know what is still dying.
      await node.start(ports);
      expect([node.apiPort, node.address.port].map(String)).toEqual(Object.values(ports));
      await waitFor(
        'the old bridge and nats-server to be gone',
        () => !isRunning(before.bridge) && !isRunning(before.nats),
        { limitMs: 5_000 },
      );
      const after = await node.whole();
      expect(after.bridge).not.toBe(before.bridge);
      await recorder.insert({ id: `after-${round}` });
      expect(expected.problems(await node.rows(...place))).toEqual([]);
    }

    const last = await node.whole();
    await node.kill('api');
    await waitFor('all of it to be gone', () => processesOfDirectory(node.rootPath).length === 0, {
      limitMs: 5_000,
    });
    expect([last.bridge, last.nats].filter(isRunning)).toEqual([]);
  });

  test('starts on the same ports right after it was stopped, with clients still connected', async () => {
    await using node = await ClusterNode.start('stopped');
    const ports = { SERVER_PORT: String(node.apiPort), CLUSTERING_PORT: String(node.address.port) };

    for (let round = 0; round < 3; round += 1) {
      // Leaves a connection that is kept alive.
      expect((await node.op({ operation: 'user_info' })).status).toBe(200);
      await node.stop();
      await node.start(ports);
      const health = await fetch(`http://127.0.0.1:${ports.SERVER_PORT}/health`);
      expect(health.status).toBe(200);
      expect(await health.json()).toEqual({ status: 'ok', bridge: 'running', nats: 'running' });
    }
  });
});

function byEnvironment(environment: Environment): Obstacle {
  const standard: Environment = {
    HDB_ADMIN_USERNAME: 'admin',
    HDB_ADMIN_PASSWORD: 'admin secret',
    CLUSTERING: 'true',
    CLUSTERING_USER: 'cluster_user',
    CLUSTERING_PASSWORD: 'cluster secret',
    NATS_SERVER_BIN: process.env['NATS_SERVER_BIN'] ?? '',
  };
  return {
    environment,
    remove: () => Object.fromEntries(Object.keys(environment).map((name) => [name, standard[name] ?? ''])),
  };
}

function byFile(node: ClusterNode, text: string): Obstacle {
  const file = join(node.rootPath, 'lyre.yaml');
  writeFileSync(file, text);
  return {
    environment: {},
    remove: () => {
      writeFileSync(file, 'logging:\n  level: info\n');
      return {};
    },
  };
}

async function takenPort(name: string): Promise<Obstacle> {
  const server = createServer().unref();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    environment: { [name]: String(port) },
    remove: async () => {
      await new Promise((resolve) => server.close(resolve));
      return {};
    },
  };
}
