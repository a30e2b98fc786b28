import { jobStartedAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { startTrimLog, trimLogRequest } from './trim-log.ts';

/**
 * Shortens the change log of a table, and its stream; a peer that has not read so far compares its table instead.
 */
export const deleteTransactionLogsBefore = defineOperation({
  name: 'delete_transaction_logs_before',
  aliases: ['delete_transaction_log_before'],
  refusalName: 'deleteTransactionLogsBefore',
  permission: 'super_user',
  request: trimLogRequest,
  response: jobStartedAnswer,
  run: (context, request) => startTrimLog(context, 'delete_transaction_logs_before', request),
});
