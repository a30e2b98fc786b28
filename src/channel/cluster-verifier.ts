import * as z from 'zod';
import type { Document } from '../model/change.ts';
import type { ScramVerifier } from '../model/scram.ts';
import { systemDatabase } from '../model/table.ts';
import type { Store } from '../store/store.ts';

const verifiedRow = z.object({
  scram: z.object({ salt: z.string(), iterations: z.number(), storedKey: z.string(), serverKey: z.string() }),
});
const activeRow = z.object({ active: z.boolean().default(true), role: z.string() });
const clusterRole = z.object({ permission: z.object({ cluster_user: z.literal(true) }) });

/** What joins are checked against: undefined when there is no such user, it is not active or is no cluster user. */
export function clusterVerifier(store: Store, user: string): ScramVerifier | undefined {
  const row = activeRow.safeParse(systemRow(store, 'hdb_user', user));
  const mayJoin =
    row.success &&
    row.data.active &&
    clusterRole.safeParse(systemRow(store, 'hdb_role', row.data.role)).success;
  return mayJoin ? storedVerifier(store, user) : undefined;
}

/** The verifier that is stored with the user, whether or not anybody may join with it. */
export function storedVerifier(store: Store, user: string): ScramVerifier | undefined {
  const row = verifiedRow.safeParse(systemRow(store, 'hdb_user', user));
  return row.success ? row.data.scram : undefined;
}

function systemRow(store: Store, name: string, key: string): Document | undefined {
  const table = store.catalog.table(systemDatabase, name);
  return table && store.get(table, key);
}
