import type { Quarantined } from '../../src/store/quarantine.ts';
import type { Store } from '../../src/store/store.ts';

/** Everything that a store has in quarantine. */
export function quarantinedAt(store: Store): readonly Quarantined[] {
  const table = store.catalog.table('system', 'hdb_quarantine');
  if (!table) throw new Error('There is no system.hdb_quarantine');
  return [...store.search(table, {})].flatMap(({ id }) => store.quarantine.get(String(id)) ?? []);
}
