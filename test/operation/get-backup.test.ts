import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileAnswer } from '../../src/operation/file-answer.ts';
import { Store } from '../../src/store/store.ts';
import { documentsOf } from '../store/test-store.ts';
import { makeDogs } from './dog.ts';
import { clusterUser, openContext, type TestContext } from './open-context.ts';

async function openWithScratch(): Promise<TestContext & { readonly scratch: string }> {
  const scratch = mkdtempSync(join(tmpdir(), 'lyre-scratch-'));
  const t = await openContext({ bulk: { scratchDirectory: scratch } });
  await makeDogs(t, [{ id: 1, name: 'Penny' }]);
  return {
    ...t,
    scratch,
    async [Symbol.asyncDispose]() {
      await t[Symbol.asyncDispose]();
      rmSync(scratch, { recursive: true });
    },
  };
}

test('a backup is the store as a file that nobody else sees', async () => {
  await using t = await openWithScratch();

  const answer = await t.call({ operation: 'get_backup', database: 'dev', table: 'dog' });

  if (!(answer instanceof FileAnswer)) throw new Error('The answer is no file');
  const bytes = await answer.file.readFile();
  await answer.file.close();
  expect(bytes.length).toBe(answer.bytes);
  expect(readdirSync(t.scratch)).toEqual([]);
  writeFileSync(join(t.scratch, 'lyre.mdb'), bytes);
  await using copy = await Store.open({
    path: t.scratch,
    nodeName: 'n1',
    role: 'api',
    mapSizeBytes: 2 ** 28,
  });
  expect(documentsOf(copy)).toEqual([{ id: 1, name: 'Penny' }]);
  rmSync(`${t.scratch}.start`);
});

test.each([
  [{}, 'invalid_request', "'schema' is required"],
  [{ database: 'x' }, 'database_missing', "database 'x' does not exist"],
  [{ database: 'dev', tables: ['dog', 'cat'] }, 'table_missing', "Table 'dev.cat' does not exist"],
])('get_backup with %j is refused', async (fields, code, message) => {
  await using t = await openWithScratch();

  await expect(t.call({ operation: 'get_backup', ...fields })).rejects.toMatchObject({ code, message });
  await expect(t.call({ operation: 'get_backup', ...fields }, clusterUser)).rejects.toMatchObject({
    unauthorizedAccess: ["Operation 'getBackup' is restricted to 'super_user' roles"],
  });
});
