import { readdirSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';
import { expect, test, vi } from 'vitest';
import { makeDogs } from '../operation/dog.ts';
import { admin, openServer } from './open-server.ts';

const backup = { operation: 'get_backup', database: 'dev' };

/** Deleted files that this process still holds open. */
function heldFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.endsWith('.mdb (deleted)') ? [target] : [];
    } catch {
      return [];
    }
  });
}

test('an answer that is a file is streamed with its length, and closed', async () => {
  await using t = await openServer();
  await t.post({ operation: 'create_database', database: 'dev' });

  const response = await t.postText(JSON.stringify(backup));

  const bytes = Buffer.from(await response.arrayBuffer());
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-length': String(bytes.length),
    'content-disposition': 'attachment; filename="lyre.mdb"',
    'server-timing': expect.stringMatching(/^db;dur=/),
  });
  expect(bytes.length).toBeGreaterThan(4_096);
  await vi.waitFor(() => expect(heldFiles()).toEqual([]));
});

test('a client that goes away in the middle leaves nothing open and no error behind', async () => {
  await using t = await openServer();
  const records = Array.from({ length: 4_000 }, (_, id) => ({ id, text: 'x'.repeat(2_000) }));
  await makeDogs(t, records);

  const received = await new Promise<number>((resolve, reject) => {
    const asked = request(t.url, { method: 'POST', headers: { authorization: admin } }, (response) => {
      response.once('data', (piece: Buffer) => {
        expect(Number(response.headers['content-length'])).toBeGreaterThan(8_000_000);
        resolve(piece.length);
        asked.destroy();
      });
    });
    asked.on('error', reject).end(JSON.stringify(backup));
  });

  expect(received).toBeLessThan(8_000_000);
  await vi.waitFor(() => expect(heldFiles()).toEqual([]));
  expect(t.logged).toEqual([]);
  expect((await t.post({ operation: 'describe_all' })).status).toBe(200);
});
