import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import type { ReplicationControl } from '../../model/replication-control.ts';
import { informationAnswer } from './system-information-answer.ts';
import { defineOperation, type OperationContext } from '../operation.ts';

const sections = [
  'system',
  'time',
  'cpu',
  'memory',
  'disk',
  'network',
  'harperdb_processes',
  'table_size',
  'replication',
  'metrics',
  'threads',
] as const;

type Section = (typeof sections)[number];

/** The machine and the node in numbers; `attributes` names the sections that are wanted. */
export const systemInformation = defineOperation({
  name: 'system_information',
  refusalName: 'systemInformation',
  permission: 'super_user',
  request: z.object({ attributes: z.array(z.enum(sections)).optional() }),
  response: informationAnswer,
  async run(context, { attributes }) {
    const wanted = [...new Set(attributes ?? sections)];
    const told = await Promise.all(wanted.map((section) => sectionOf(section, context)));
    return Object.fromEntries(wanted.map((section, index) => [section, told[index]]));
  },
});

async function sectionOf(
  section: Section,
  { store, replication, version }: OperationContext,
): Promise<unknown> {
  // Loaded when it is asked for: it is large, and most nodes are never asked.
  const machine = (await import('systeminformation')).default;
  switch (section) {
    case 'system': {
      const { platform, distro, release, kernel, arch, hostname } = await machine.osInfo();
      return { platform, distro, release, kernel, arch, hostname, node_version: process.version, version };
    }
    case 'time':
      return machine.time();
    case 'cpu': {
      const { manufacturer, brand, speed, cores, physicalCores } = await machine.cpu();
      const { avgLoad, currentLoad } = await machine.currentLoad();
      return { manufacturer, brand, speed, cores, physicalCores, current_load: { avgLoad, currentLoad } };
    }
    case 'memory': {
      const { total, free, used, active, available, swaptotal, swapused, swapfree } = await machine.mem();
      return { total, free, used, active, available, swaptotal, swapused, swapfree };
    }
    case 'disk':
      return { size: await machine.fsSize(), io: await machine.disksIO() };
    case 'network':
      return {
        default_interface: await machine.networkInterfaceDefault(),
        stats: await machine.networkStats(),
      };
    case 'harperdb_processes': {
      const { rss, heapUsed } = process.memoryUsage();
      return {
        core: [{ pid: process.pid, uptime: process.uptime(), rss, heap_used: heapUsed }],
        clustering: [],
      };
    }
    case 'table_size':
      return store.catalog
        .allTables()
        .filter(({ local }) => !local)
        .map((table) => {
          const { sizeBytes, records } = store.statistics(table);
          const { channelBytes, headSeq, trimmedSeq } = store.log.head(table.id);
          return {
            schema: table.database,
            table: table.name,
            table_size: sizeBytes,
            record_count: records,
            transaction_log_size: channelBytes,
            transaction_log_record_count: headSeq - trimmedSeq,
          };
        });
    case 'replication':
      return replication === undefined ? null : await statusOf(replication);
    case 'metrics':
      return { log_bytes: store.log.totals().logBytes };
    case 'threads':
      return [{ id: 0, name: 'main', utilization: performance.eventLoopUtilization().utilization }];
  }
}

/** The other sections are told also while the replication process is away or has no time to answer. */
async function statusOf(replication: ReplicationControl): Promise<unknown> {
  try {
    return await replication.status();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { nats: 'unknown', reason: `replication is not running: ${error.message}` };
  }
}
