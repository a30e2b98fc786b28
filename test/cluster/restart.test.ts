import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ClusterNode } from './support/cluster-node.ts';

test('restart closes the node and starts it again in the same process, with the configuration as it is then', async () => {
  await using node = await ClusterNode.start('alone', { CLUSTERING: 'false' });
  const pid = (): string => readFileSync(`${node.rootPath}/lyre.pid`, 'utf8');
  const before = pid();
  await node.op({ operation: 'create_table', schema: 'dev', table: 'dog', primary_key: 'id' });
  await node.op({ operation: 'insert', schema: 'dev', table: 'dog', records: [{ id: 1 }] });
  await node.op({ operation: 'set_configuration', logging_auditLog: false });

  const asked = await node.op({ operation: 'restart' });

  expect(asked).toEqual({
    status: 200,
    body: { message: 'Restarting HarperDB. This may take up to 60 seconds.' },
  });
  await expect
    .poll(() => node.op({ operation: 'read_audit_log', schema: 'dev', table: 'dog' }).catch(String), {
      timeout: 20_000,
    })
    .toMatchObject({ status: 400, body: { error: expect.stringContaining('must be enabled') } });
  expect(await node.op({ operation: 'search_by_id', schema: 'dev', table: 'dog', ids: [1] })).toMatchObject({
    body: [{ id: 1 }],
  });
  expect(pid()).toBe(before);
});
