import { CodedError } from '../../model/errors.ts';
import type { NodeControl } from './node-control.ts';

/** The audit log is the change log, and who may not read it there may not shorten it. @throws CodedError `invalid_request` */
export function requireAuditLog(node: NodeControl | undefined): void {
  if (node?.auditLog === false)
    throw new CodedError(
      'invalid_request',
      'To use this operation audit log must be enabled in harperdb-config.yaml',
    );
}
