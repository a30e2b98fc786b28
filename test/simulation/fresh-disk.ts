import { Store } from '../../src/store/store.ts';
import { MemoryDisk, MemoryEnvironment } from './memory-environment.ts';
import { Random } from './random.ts';
import { drainPromises } from './scheduler.ts';
import { withSeededIds } from './seeded-crypto.ts';

let made: MemoryDisk | undefined;

/**
 * The disk of a store that was created and never used: copied, it saves every history the first start of its
 * nodes. A copy notices that it is one and draws an id of its own.
 */
export function freshDisk(): MemoryDisk {
  if (made) return made;
  const disk = new MemoryDisk(1);
  const environment = new MemoryEnvironment(disk, {
    schedule: (run) => run(),
    committed: () => {},
    isDead: () => false,
  });
  withSeededIds(new Random(1), () => {
    void Store.over(environment, { nodeName: 'fresh', role: 'api', now: () => 1_800_000_000_000 });
    drainPromises();
  });
  made = disk;
  return disk;
}
