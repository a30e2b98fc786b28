import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const program = join(repository, 'dist/cli/main.js');

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Shell implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'lyre-main-'));

  async lyre(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: this.path,
      env: { PATH: process.env['PATH'], ROOTPATH: this.path, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'close');
    const [stdout, stderr] = await Promise.all([readAll(child.stdout), readAll(child.stderr)]);
    await ended;
    return { status: child.exitCode, stdout, stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Answers everything alike, and remembers what and who. */
class TargetNode implements AsyncDisposable {
  readonly heard: string[] = [];
  readonly #server = createHttpServer((request, response) => {
    void readAll(request).then((body) => {
      const { operation = request.url ?? '' } = (body === '' ? {} : JSON.parse(body)) as {
        operation?: string;
      };
      const [, encoded] = request.headers.authorization?.split(' ') ?? [];
      const who = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
      this.heard.push(operation.startsWith('/') ? operation : `${operation} ${who}`);
      response.setHeader('content-type', 'application/json');
      response.end('{"message":"heard"}');
    });
  });

  /** Resolves to the option that names it. */
  async listen(): Promise<readonly string[]> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return ['--target', `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

// These try what users run; `npm run build` makes it.
describe.runIf(existsSync(program))('lyre', () => {
  it('tells its version and its commands', async () => {
    using shell = new Shell();
    const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      version: string;
    };

    for (const asked of ['--version', 'version'])
      expect(await shell.lyre([asked])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    const help = await shell.lyre(['--help']);
    expect(help.status).toBe(0);
    for (const word of ['start', 'stop', 'status', 'key=value', '--ROOTPATH', '--json', '--target']) {
      expect(help.stdout).toContain(word);
    }
    expect(await shell.lyre([])).toEqual(help);
  });

  it.each([['describe_all'], ['status'], ['insert', 'table=dog', 'records=[{"id":1}]', '--json']])(
    'says in one line that no node runs: %s %s',
    async (...args) => {
      using shell = new Shell();

      expect(await shell.lyre(args)).toEqual({
        status: 1,
        stdout: '',
        stderr: `lyre: No node is running in ${shell.path}; start one with: lyre start\n`,
      });
    },
  );

  it('tells the fields of an operation, and completes them in a shell, without a node', async () => {
    using shell = new Shell();

    for (const args of [
      ['describe_table', '--help'],
      ['-h', 'describe_table'],
      ['help', 'describe_table'],
    ])
      expect(await shell.lyre(args)).toMatchObject({
        ...{ status: 0, stderr: '' },
        stdout: expect.stringMatching(/^Usage: lyre describe_table [^]*\n {2}table +string, required\n/),
      });
    const script = await shell.lyre(['completion', 'bash']);
    expect(script).toMatchObject({ status: 0, stderr: '' });
    for (const word of ['restore', 'import) choices="--target', 'describe_table) choices="', '--json'])
      expect(script.stdout).toContain(word);
    expect((await shell.lyre(['completion', 'fish'])).stderr).toContain('Allowed choices are bash, zsh');
  });

  it('says that there is no node to stop, also when its number is a leftover', async () => {
    using shell = new Shell();
    const notRunning = { status: 1, stdout: '', stderr: `lyre: No node is running in ${shell.path}\n` };

    expect(await shell.lyre(['stop'])).toEqual(notRunning);
    writeFileSync(join(shell.path, 'lyre.pid'), '99999999\n');
    expect(await shell.lyre(['stop'])).toEqual(notRunning);
    writeFileSync(join(shell.path, 'lyre.pid'), 'no number');
    expect(await shell.lyre(['stop'])).toEqual(notRunning);
  });

  it('leaves a process alone that has got the number of a node that died', async () => {
    using shell = new Shell();
    const stranger = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)']);
    await once(stranger.stdout, 'data');
    writeFileSync(join(shell.path, 'lyre.pid'), `${stranger.pid}\n`);

    const outcome = await shell.lyre(['stop']);

    expect(outcome).toMatchObject({ status: 1, stderr: `lyre: No node is running in ${shell.path}\n` });
    expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
    stranger.kill();
  });

  it('stops the process whose number is in lyre.pid and waits until it is gone', async () => {
    using shell = new Shell();
    const lock = `
      const { tryLock } = require('fs-native-extensions');
      const fd = fs.openSync(${JSON.stringify(join(shell.path, 'lyre.pid'))}, 'w+');
      fs.writeSync(fd, process.pid + '\\n');
      console.log(tryLock(fd));
      setInterval(() => {}, 1000);
    `;
    const node = spawn(process.execPath, ['-e', lock], { cwd: repository });
    await once(node.stdout, 'data');

    const outcome = await shell.lyre(['stop']);

    expect(outcome).toEqual({ status: 0, stdout: `Stopped the node in ${shell.path}\n`, stderr: '' });
    await vi.waitFor(() => expect(node.signalCode).toBe('SIGTERM'));
  });

  it.each([
    [['start', '--SERVER_PROT', '1'], {}, 'flag: --SERVER_PROT is unknown; did you mean --SERVER_PORT?'],
    [['start'], { SERVER_PORT: 'x' }, 'environment: SERVER_PORT must be a port number'],
    [['start', '--CLUSTERING'], {}, 'clustering.enabled needs CLUSTERING_USER and CLUSTERING_PASSWORD'],
    [['stop', '--config', 'absent.yaml'], {}, 'absent.yaml: cannot be read (ENOENT)'],
    [
      ['describe_all', 'nonsense', '--target', 'http://localhost:9925'],
      {},
      'Expected key=value, not nonsense',
    ],
    [['describe_all', '-x'], {}, "unknown option '-x'"],
    [['insrt', '--help'], {}, "There is no command or operation 'insrt'; did you mean insert?"],
    [['help', 'statu'], {}, "There is no command or operation 'statu'; did you mean status?"],
    [
      ['import', 'absent.csv', '--table', 'dog', '--target', 'http://localhost:9925'],
      {},
      'absent.csv cannot be read (ENOENT)',
    ],
  ])('refuses %j with %j in one line', async (args, env: Record<string, string>, expected) => {
    using shell = new Shell();

    const { status, stdout, stderr } = await shell.lyre(args, env);

    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^lyre: [^\n]*\n$/);
    expect(stderr).toContain(expected);
  });

  it.each([
    [['--target', 'http://hq:9925', 'start'], 'start is for the node of the root path: it takes no --target'],
    [['--target', 'http://hq:9925', 'stop'], 'stop is for the node of the root path: it takes no --target'],
    [['--target', 'http://hq:9925', 'restore', 'x'], 'restore is for the node of the root path'],
    [['stop', '--target', 'http://hq:9925'], "unknown option '--target'"],
  ])('refuses %j, which would be about another node than is named', async (args, expected) => {
    using shell = new Shell();

    const { status, stdout, stderr } = await shell.lyre(args);

    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(`lyre: ${expected}`);
  });

  it('takes options of the target before and after the command', async () => {
    using shell = new Shell();
    await using node = new TargetNode();
    const credentials = ['--username', 'admin', '--password', 'one'];
    const file = join(shell.path, 'dogs.csv');
    writeFileSync(file, 'id\n1\n');
    const target = await node.listen();

    await shell.lyre([...target, ...credentials, 'import', file, '--table', 'dog']);
    await shell.lyre([...target, 'export', ...credentials, file, '--table', 'dog']);
    await shell.lyre(['backup', ...target, ...credentials, join(shell.path, 'backup')]);
    await shell.lyre(['--target', 'http://127.0.0.1:1', 'status', ...target, ...credentials]);
    const status = await shell.lyre([...target, ...credentials, '--json', 'status']);

    expect(node.heard).toEqual([
      'csv_data_load admin:one',
      'describe_table admin:one',
      'get_backup admin:one',
      '/health',
      'cluster_status admin:one',
      '/health',
      'cluster_status admin:one',
    ]);
    expect(JSON.parse(status.stdout)).toEqual({
      health: { message: 'heard' },
      cluster: { message: 'heard' },
    });
  });

  it('says that nothing answers at the target', async () => {
    using shell = new Shell();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    server.close();
    await once(server, 'close');

    expect(await shell.lyre(['describe_all', '--target', `http://127.0.0.1:${port}`])).toEqual({
      status: 1,
      stdout: '',
      stderr: `lyre: No node answers at http://127.0.0.1:${port}/\n`,
    });
  });
});
