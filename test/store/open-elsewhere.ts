import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';

// Run by `commit-while-opened.ts` as another process: opens the environment and dies.
new LmdbEnvironment({ path: process.argv[2] ?? '', mapSizeBytes: 2 ** 28 });
process.kill(process.pid, 'SIGKILL');
