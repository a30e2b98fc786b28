import { existsSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
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

// These try what users run; `npm run build` makes it.
describe.runIf(existsSync(program))('lyre start', () => {
  it('serves TLS only where HarperDB does, and says where', async () => {
    await using node = new StartedNode({ SERVER_PORT: '' });
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
});
