import { z } from 'zod';
import { CodedError } from '../../model/errors.ts';
import * as field from '../field.ts';
import { defineOperation } from '../operation.ts';
import { requireTable } from '../table-lookup.ts';
import { timestamp } from './timestamp.ts';

/** There is no audit log beside the change log, so this answers as HarperDB does where it is switched off. */
export const deleteAuditLogsBefore = defineOperation({
  name: 'delete_audit_logs_before',
  refusalName: 'deleteAuditLogsBefore',
  permission: 'super_user',
  request: z.object({ schema: field.database, table: field.existingName, timestamp }),
  run({ store }, { schema, table }) {
    requireTable(store, schema, table);
    throw new CodedError(
      'invalid_request',
      'To use this operation audit log must be enabled in harperdb-config.yaml',
    );
  },
});
