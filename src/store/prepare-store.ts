import { systemDatabase } from '../model/table.ts';
import { archiveTable } from './archive.ts';
import type { Commits } from './commits.ts';
import { conflictsTable } from './conflicts.ts';
import type { Environment } from './environment.ts';
import { IdentityClaim, readIdentity } from './identity.ts';
import type { StoreParts } from './parts.ts';
import { quarantineTable } from './quarantine-tally.ts';

const systemTables = [
  { name: 'hdb_nodes', primaryKey: 'name' },
  { name: 'hdb_user', primaryKey: 'username' },
  { name: 'hdb_role', primaryKey: 'id' },
  { name: conflictsTable, primaryKey: 'id' },
  { name: quarantineTable, primaryKey: 'id' },
  { name: archiveTable, primaryKey: 'id' },
  { name: 'hdb_job', primaryKey: 'id' },
] as const;

export interface PrepareStoreOptions {
  readonly environment: Environment;
  readonly commits: Commits;
  readonly parts: StoreParts;
  readonly nodeName: string;
}

/** What the api process does before anything else is written: decides on the store id, creates the system tables. */
export async function prepareStore({
  environment,
  commits,
  parts,
  nodeName,
}: PrepareStoreOptions): Promise<void> {
  const { catalog, collected, nodes, quarantine } = parts;
  environment.checkReaders();
  const claim = new IdentityClaim(environment);
  await commits.run((commit) => {
    const former = readIdentity(environment, nodeName)?.storeId;
    claim.announce();
    if (former !== undefined) collected.formerly(commit, former, catalog.allTables());
    commit.touchCatalog();
  }, 'small');
  claim.writeMarker();
  await commits.run((commit) => {
    for (const { name, primaryKey } of systemTables)
      if (!catalog.table(systemDatabase, name))
        catalog.createTable(commit, { database: systemDatabase, name, primaryKey });
    quarantine.recount();
    claim.settle(nodeName, nodes.hasPeers);
  }, 'small');
}
