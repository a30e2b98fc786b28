import { jobStartedAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { requireAuditLog } from '../system/audit-log.ts';
import { startTrimLog, trimLogRequest } from './trim-log.ts';

/** Shortens the change log of a table, which is its audit log too, as delete_transaction_logs_before does. */
export const deleteAuditLogsBefore = defineOperation({
  name: 'delete_audit_logs_before',
  refusalName: 'deleteAuditLogsBefore',
  permission: 'super_user',
  request: trimLogRequest,
  response: jobStartedAnswer,
  run(context, request) {
    requireAuditLog(context.node);
    return startTrimLog(context, 'delete_audit_logs_before', request);
  },
});
