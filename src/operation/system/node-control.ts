import { CodedError } from '../../model/errors.ts';
import type { OperationContext } from '../operation.ts';

/** What operations may ask of the process around them. */
export interface NodeControl {
  readonly configuration: {
    read(): Readonly<Record<string, unknown>>;
    /** @throws ConfigError when a value is refused; nothing is changed then */
    set(values: Readonly<Record<string, unknown>>): void;
  };
  /** The directory of the log files; undefined when none are written. */
  readonly logDirectory: string | undefined;
  /** Whether `read_audit_log` answers. */
  readonly auditLog: boolean;
  /** Closes the node and starts it again with the configuration as it is then. Returns before it begins. */
  restart(): void;
  /** Starts nats-server and the bridge again; the operations API goes on. @throws CodedError `clustering_disabled` */
  restartClustering(): void;
}

/** @throws CodedError `unavailable` */
export function requireNode({ node }: OperationContext): NodeControl {
  if (node === undefined) throw new CodedError('unavailable', 'The node is starting, try again');
  return node;
}
