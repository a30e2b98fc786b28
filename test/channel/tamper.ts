import type { Environment, Tree } from '../../src/store/environment.ts';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import type { Replica } from './replica.ts';

/** Changes the store of a node that is closed, behind the back of its log: what a bug or a bad disk would do. */
export async function tamper(
  replica: Replica,
  change: (records: Tree, environment: Environment) => void,
): Promise<void> {
  await replica.restart({}, async () => {
    await using environment = new LmdbEnvironment({ path: replica.path, mapSizeBytes: 2 ** 28 });
    await environment.commit(() => change(environment.trees.records, environment));
  });
}
