import { expect, test } from 'vitest';
import { CodedError } from '../../src/model/errors.ts';
import { operations } from '../../src/operation/registry.ts';
import { openPlaces, places, roleKinds, type Place, type RoleKind } from './open-places.ts';

/** Who may run an operation on `dev.dog`; `here` is who may on `dev.cat` too, `anywhere` on `lab.rat` as well. */
interface Entry {
  readonly body: (schema: string, table: string) => object;
  readonly dog: readonly RoleKind[];
  readonly here?: readonly RoleKind[];
  readonly anywhere?: readonly RoleKind[];
}

const shapers: Pick<Entry, 'dog' | 'here' | 'anywhere'> = {
  dog: ['super', 'structure', 'structureOfDev'],
  here: ['super', 'structure', 'structureOfDev'],
  anywhere: ['super', 'structure'],
};
const holders = (...dog: readonly RoleKind[]): Pick<Entry, 'dog' | 'here' | 'anywhere'> => ({
  ...shapers,
  dog: [...shapers.dog, ...dog],
});
const always = { dog: roleKinds, here: roleKinds, anywhere: roleKinds };
const superOnly: Entry = { body: () => ({}), dog: ['super'], here: ['super'], anywhere: ['super'] };

const named = { name: 'Rex' };
const page = { get_attributes: ['id', 'name'] };
const byName = { attribute: 'name', comparator: 'equals', value: 'Rex' };

const matrix: Readonly<Record<string, Entry>> = {
  create_database: {
    body: (schema) => ({ schema: `${schema}2` }),
    ...shapers,
    dog: ['super', 'structure'],
    here: ['super', 'structure'],
  },
  drop_database: {
    body: (schema) => ({ schema }),
    ...shapers,
    dog: ['super', 'structure'],
    here: ['super', 'structure'],
  },
  create_table: { body: (schema, table) => ({ schema, table: `${table}2`, primary_key: 'id' }), ...shapers },
  drop_table: { body: (schema, table) => ({ schema, table }), ...shapers },
  create_attribute: {
    body: (schema, table) => ({ schema, table, attribute: 'new' }),
    ...holders('inserter', 'writer'),
  },
  drop_attribute: { body: (schema, table) => ({ schema, table, attribute: 'name' }), ...shapers },
  describe_all: { body: () => ({}), ...always },
  describe_database: {
    body: (schema) => ({ schema }),
    ...holders('reader', 'inserter', 'writer', 'deleter', 'attributes'),
    here: [...shapers.dog, 'reader', 'inserter', 'writer', 'deleter', 'attributes'],
  },
  describe_table: {
    body: (schema, table) => ({ schema, table }),
    ...holders('reader', 'inserter', 'writer', 'deleter', 'attributes'),
  },
  insert: {
    body: (schema, table) => ({ schema, table, records: [{ id: 9, ...named }] }),
    ...holders('inserter', 'writer', 'attributes'),
  },
  update: {
    body: (schema, table) => ({ schema, table, records: [{ id: 1, ...named }] }),
    ...holders('writer', 'attributes'),
  },
  upsert: {
    body: (schema, table) => ({ schema, table, records: [{ id: 1, ...named }] }),
    ...holders('writer', 'attributes'),
  },
  delete: {
    body: (schema, table) => ({ schema, table, hash_values: [1] }),
    ...holders('deleter', 'attributes'),
  },
  transaction: {
    body: (schema, table) => ({
      operations: [
        { operation: 'insert', schema, table, records: [{ id: 9, ...named }] },
        { operation: 'delete', schema, table, hash_values: [1] },
      ],
    }),
    ...holders('attributes'),
  },
  search_by_id: {
    body: (schema, table) => ({ schema, table, hash_values: [1], ...page }),
    ...holders('reader', 'attributes'),
  },
  search_by_value: {
    body: (schema, table) => ({ schema, table, attribute: 'name', value: 'Rex', ...page }),
    ...holders('reader', 'attributes'),
  },
  search_by_conditions: {
    body: (schema, table) => ({ schema, table, conditions: [byName], sort: { attribute: 'id' }, ...page }),
    ...holders('reader', 'attributes'),
  },
  csv_data_load: {
    body: loadOf({ data: 'id,name\n9,Max\n' }),
    ...holders('inserter', 'writer', 'attributes'),
  },
  csv_file_load: {
    body: loadOf({ file_path: 'absent.csv', action: 'update' }),
    ...holders('writer', 'attributes'),
  },
  csv_url_load: {
    body: loadOf({ csv_url: 'http://127.0.0.1/', action: 'upsert' }),
    ...holders('writer', 'attributes'),
  },
  export_local: superOnly,
  delete_records_before: superOnly,
  delete_transaction_logs_before: superOnly,
  delete_audit_logs_before: superOnly,
  get_job: { body: () => ({ id: 'x' }), ...always },
  search_jobs_by_start_date: superOnly,
  add_node: superOnly,
  update_node: superOnly,
  set_node_replication: superOnly,
  remove_node: superOnly,
  configure_cluster: superOnly,
  cluster_status: superOnly,
  cluster_network: superOnly,
  cluster_set_routes: superOnly,
  cluster_get_routes: superOnly,
  cluster_delete_routes: superOnly,
  purge_stream: superOnly,
  verify_replication: superOnly,
  resolve_conflict: superOnly,
  retry_quarantined: superOnly,
  skip_quarantined: superOnly,
  add_user: superOnly,
  alter_user: superOnly,
  drop_user: superOnly,
  list_users: superOnly,
  user_info: { body: () => ({}), ...always },
  add_role: superOnly,
  alter_role: superOnly,
  drop_role: superOnly,
  list_roles: superOnly,
  // Strangers too: these tell by themselves who asks.
  create_authentication_tokens: { body: () => ({}), ...always },
  refresh_operation_token: { body: () => ({}), ...always },
  login: { body: () => ({ username: 'super', password: 'wrong' }), ...always },
  logout: { body: () => ({}), ...always },
  registration_info: { body: () => ({}), ...always },
  read_transaction_log: superOnly,
  sql: superOnly,
  clear_status: superOnly,
  get_configuration: superOnly,
  get_fingerprint: superOnly,
  get_status: superOnly,
  read_audit_log: superOnly,
  read_log: superOnly,
  restart: superOnly,
  restart_service: superOnly,
  set_configuration: superOnly,
  set_status: superOnly,
  system_information: superOnly,
  get_backup: superOnly,
};

function loadOf(fields: object): Entry['body'] {
  return (schema, table) => ({ schema, table, ...fields });
}

async function outcome(call: Promise<unknown>): Promise<'allowed' | 'refused'> {
  try {
    await call;
    return 'allowed';
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    // Allowed too: refused for what it says, or since an earlier role has dropped the table.
    return error.code === 'forbidden' ? 'refused' : 'allowed';
  }
}

test('every operation of the registry says here who may run it', () => {
  expect(Object.keys(matrix).sort()).toEqual(operations.map(({ name }) => name).sort());
});

test.each(Object.entries(matrix))(
  '%s is run by whom the matrix allows, and by nobody else',
  async (name, entry) => {
    await using t = await openPlaces();
    const allowed: string[] = [];
    const expected: string[] = [];

    for (const place of places) {
      const [schema = '', table = ''] = place.split('.');
      for (const kind of roleKinds) {
        const body = { operation: name, ...entry.body(schema, table) };
        if ((await outcome(t.call(body, t.users[kind]))) === 'allowed') allowed.push(`${kind} on ${place}`);
        if (rolesAt(entry, place).includes(kind)) expected.push(`${kind} on ${place}`);
      }
    }

    expect(allowed).toEqual(expected);
  },
);

function rolesAt({ dog, here = dog, anywhere = here }: Entry, place: Place): readonly RoleKind[] {
  return place === 'dev.dog' ? dog : place === 'dev.cat' ? here : anywhere;
}
