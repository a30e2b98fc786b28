import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { program, StartedNode } from './started-node.ts';

const patient = { timeout: 15_000 };

function statusOverTls(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${url}/health`, { rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

// These try what users run; `npm run build` makes it.
describe.runIf(existsSync(program))('lyre start', () => {
  it('serves TLS only where HarperDB does, and says where', async () => {
    await using node = new StartedNode({ SERVER_PORT: '' });
    mkdirSync(node.rootPath);
    const network = { host: '127.0.0.1' };
    const operationsApi = { network: { port: null, securePort: 0 } };
    writeFileSync(join(node.rootPath, 'lyre.yaml'), JSON.stringify({ network, operationsApi }));

    node.start();
    const [, url = ''] = await vi.waitFor(() => {
      const line = /is ready: operations API (https:\/\/127\.0\.0\.1:\d+), clustering off\n/.exec(
        node.stdout,
      );
      if (!line) throw new Error(`Not ready: ${node.stdout}${node.stderr}`);
      return line;
    }, patient);

    expect(await statusOverTls(url)).toBe(200);
    expect(await node.end()).toBe(0);
  });

  it.each([
    { isThere: false, expected: '700' },
    { isThere: true, expected: '755' },
  ])('opens what it makes to nobody else, %j', async ({ isThere, expected }) => {
    await using node = new StartedNode();
    if (isThere) mkdirSync(node.rootPath, { mode: 0o755 });

    node.start();
    await vi.waitFor(() => expect(node.stdout).toContain('is ready'), patient);

    expect(modeOf(node.rootPath)).toBe(expected);
    for (const name of ['database', 'scratch']) expect(modeOf(join(node.rootPath, name))).toBe('700');
    expect(modeOf(join(node.rootPath, 'database', 'lyre.mdb'))).toBe('600');
  });

  it.runIf(existsSync('/proc/self/cmdline'))('shows no password among its arguments', async () => {
    await using node = new StartedNode({ HDB_ADMIN_PASSWORD: '' });

    const { pid } = node.start('pipe', ['--HDB_ADMIN_PASSWORD', 'hush']);
    await vi.waitFor(() => expect(node.stdout).toContain('is ready'), patient);

    const shown = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    expect(shown).not.toContain('hush');
    expect(shown).toContain('lyre start');
  });

  it.runIf(existsSync('/dev/full'))('goes on when its output cannot be written', async () => {
    await using node = new StartedNode();
    const full = openSync('/dev/full', 'w');

    node.start(['ignore', full, 'pipe']);
    closeSync(full);

    await vi.waitFor(async () => expect(await node.health()).toBe(200), patient);
    expect(node.stderr).toBe('');
    expect(await node.end()).toBe(0);
  });

  it('ends when it is told to while it closes for a restart', async () => {
    await using node = new StartedNode();
    node.start();
    await vi.waitFor(() => expect(node.stdout).toContain('is ready'), patient);
    // A request that is under way holds up the closing.
    const slow = connect(Number(new URL(node.url).port), '127.0.0.1');
    slow.on('error', () => {});
    slow.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');

    expect(await node.ask('restart')).toBe(200);
    await vi.waitFor(() => expect(node.health()).rejects.toThrow('fetch failed'), patient);

    expect(await node.end()).toBe(0);
    expect(node.stdout.match(/is ready/g)).toHaveLength(1);
  });

  it('goes on when nobody reads its output any more, also through restarts', async () => {
    await using node = new StartedNode();
    const child = node.start();
    await vi.waitFor(() => expect(node.stdout).toContain('is ready'), patient);
    child.stdout?.destroy();
    child.stderr?.destroy();

    // Emptied at each start.
    const scratch = join(node.rootPath, 'scratch');

    // The second finds a node that has written its ready line.
    for (const _ of ['first', 'second']) {
      const { ctimeMs } = statSync(scratch);
      expect(await node.ask('restart')).toBe(200);
      await vi.waitFor(() => expect(statSync(scratch).ctimeMs).toBeGreaterThan(ctimeMs), patient);
      await vi.waitFor(async () => expect(await node.health()).toBe(200), patient);
    }
    expect(await node.end()).toBe(0);
  });
});
