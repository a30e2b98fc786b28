import * as z from 'zod';
import type { ScramVerifier } from '../model/scram.ts';
import { systemDatabase } from '../model/table.ts';
import type { Store } from '../store/store.ts';

const row = z.object({
  scram: z.object({ salt: z.string(), iterations: z.number(), storedKey: z.string(), serverKey: z.string() }),
});

/** The cluster user's verifier, stored with the user when it was created; undefined when there is none. */
export function clusterVerifier(store: Store, user: string): ScramVerifier | undefined {
  const table = store.catalog.table(systemDatabase, 'hdb_user');
  const parsed = row.safeParse(table && store.get(table, user));
  return parsed.success ? parsed.data.scram : undefined;
}
