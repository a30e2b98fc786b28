import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';

/**
 * Puts other bytes behind the first of a row of `system.hdb_nodes`; the first 26 say when and by whom it was written.
 *
 * @param path of the store, where no other table may have a record under the name
 */
export async function tearNodeRow(
  path: string,
  name: string,
  bytes: Uint8Array = Buffer.alloc(0),
  keptBytes = 26,
): Promise<void> {
  await using environment = new LmdbEnvironment({ path, mapSizeBytes: 2 ** 28 });
  const { records } = environment.trees;
  await environment.commit(() => {
    for (let table = 1; table < 64; table += 1) {
      const whole = records.get([table, name]);
      if (!whole) continue;
      records.putSync([table, name], Buffer.concat([whole.subarray(0, keptBytes), bytes]));
      return;
    }
    throw new Error(`There is no row ${name}`);
  });
}
