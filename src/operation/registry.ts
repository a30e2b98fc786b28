import { addNode } from './node/add-node.ts';
import { resolveConflict } from './conflict/resolve-conflict.ts';
import { retryQuarantined } from './conflict/retry-quarantined.ts';
import { skipQuarantined } from './conflict/skip-quarantined.ts';
import { transaction } from './record/transaction.ts';
import { clusterDeleteRoutes } from './node/cluster-delete-routes.ts';
import { clusterGetRoutes } from './node/cluster-get-routes.ts';
import { clusterNetwork } from './node/cluster-network.ts';
import { clusterSetRoutes } from './node/cluster-set-routes.ts';
import { clusterStatus } from './node/cluster-status.ts';
import { configureCluster } from './node/configure-cluster.ts';
import { purgeStream } from './node/purge-stream.ts';
import { removeNode } from './node/remove-node.ts';
import { setNodeReplication } from './node/set-node-replication.ts';
import { verifyReplication } from './node/verify-replication.ts';
import { csvDataLoad } from './job/csv-data-load.ts';
import { csvFileLoad } from './job/csv-file-load.ts';
import { csvUrlLoad } from './job/csv-url-load.ts';
import { deleteAuditLogsBefore } from './job/delete-audit-logs-before.ts';
import { deleteRecordsBefore } from './job/delete-records-before.ts';
import { deleteTransactionLogsBefore } from './job/delete-transaction-logs-before.ts';
import { exportLocal } from './job/export-local.ts';
import { getJob } from './job/get-job.ts';
import { searchJobsByStartDate } from './job/search-jobs-by-start-date.ts';
import { updateNode } from './node/update-node.ts';
import type { Operation } from './operation.ts';
import { deleteRecords } from './record/delete.ts';
import { insert } from './record/insert.ts';
import { update } from './record/update.ts';
import { upsert } from './record/upsert.ts';
import { createAttribute } from './schema/create-attribute.ts';
import { createDatabase } from './schema/create-database.ts';
import { createTable } from './schema/create-table.ts';
import { describeAll } from './schema/describe-all.ts';
import { describeDatabase } from './schema/describe-database.ts';
import { describeTable } from './schema/describe-table.ts';
import { dropAttribute } from './schema/drop-attribute.ts';
import { dropDatabase } from './schema/drop-database.ts';
import { dropTable } from './schema/drop-table.ts';
import { searchByConditions } from './search/search-by-conditions.ts';
import { searchById } from './search/search-by-id.ts';
import { searchByValue } from './search/search-by-value.ts';
import { sql } from './sql/sql.ts';
import { clearStatus } from './system/clear-status.ts';
import { getConfiguration } from './system/get-configuration.ts';
import { getFingerprint } from './system/get-fingerprint.ts';
import { getStatus } from './system/get-status.ts';
import { readAuditLog } from './system/read-audit-log.ts';
import { readLog } from './system/read-log.ts';
import { getBackup } from './system/get-backup.ts';
import { readTransactionLog } from './system/read-transaction-log.ts';
import { registrationInfo } from './system/registration-info.ts';
import { addRole } from './role/add-role.ts';
import { alterRole } from './role/alter-role.ts';
import { dropRole } from './role/drop-role.ts';
import { listRoles } from './role/list-roles.ts';
import { addUser } from './user/add-user.ts';
import { login } from './user/login.ts';
import { logout } from './user/logout.ts';
import { alterUser } from './user/alter-user.ts';
import { createAuthenticationTokens } from './user/create-authentication-tokens.ts';
import { refreshOperationToken } from './user/refresh-operation-token.ts';
import { dropUser } from './user/drop-user.ts';
import { listUsers } from './user/list-users.ts';
import { restart } from './system/restart.ts';
import { restartService } from './system/restart-service.ts';
import { setConfiguration } from './system/set-configuration.ts';
import { setStatus } from './system/set-status.ts';
import { systemInformation } from './system/system-information.ts';
import { userInfo } from './user/user-info.ts';

/** Every operation of the API. */
export const operations: readonly Operation[] = [
  createDatabase,
  dropDatabase,
  createTable,
  dropTable,
  createAttribute,
  dropAttribute,
  describeAll,
  describeDatabase,
  describeTable,
  insert,
  update,
  upsert,
  deleteRecords,
  transaction,
  searchById,
  searchByValue,
  searchByConditions,
  csvDataLoad,
  csvFileLoad,
  csvUrlLoad,
  exportLocal,
  deleteRecordsBefore,
  deleteTransactionLogsBefore,
  deleteAuditLogsBefore,
  getJob,
  searchJobsByStartDate,
  addNode,
  updateNode,
  setNodeReplication,
  removeNode,
  configureCluster,
  clusterStatus,
  clusterNetwork,
  clusterSetRoutes,
  clusterGetRoutes,
  clusterDeleteRoutes,
  purgeStream,
  verifyReplication,
  resolveConflict,
  retryQuarantined,
  skipQuarantined,
  addUser,
  alterUser,
  dropUser,
  listUsers,
  userInfo,
  addRole,
  alterRole,
  dropRole,
  listRoles,
  createAuthenticationTokens,
  refreshOperationToken,
  login,
  logout,
  registrationInfo,
  readTransactionLog,
  sql,
  clearStatus,
  getConfiguration,
  getFingerprint,
  getStatus,
  readAuditLog,
  readLog,
  restart,
  restartService,
  setConfiguration,
  setStatus,
  systemInformation,
  getBackup,
];

const byName: ReadonlyMap<string, Operation> = new Map(
  operations.flatMap((operation) => [operation.name, ...operation.aliases].map((name) => [name, operation])),
);

/** The operation with this name or alias. */
export function findOperation(name: string): Operation | undefined {
  return byName.get(name);
}
