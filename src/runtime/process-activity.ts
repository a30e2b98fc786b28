import { readProcessFile } from './process-file.ts';

/** What the operating system has seen a process do. */
export interface ProcessActivity {
  /** It runs, or waits for a disk: what it does takes as long as it takes. */
  readonly isBusy: boolean;
  /** Processor time that all its threads have used, in ticks of the system's clock. */
  readonly ticks: number;
}

/** Undefined when the process is gone, and where the system does not tell: only Linux does. */
export function activityOf(pid: number): ProcessActivity | undefined {
  const stat = readProcessFile(pid, 'stat');
  if (stat === undefined) return undefined;
  // The name of the program stands in brackets and may hold anything.
  const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [userTicks, systemTicks] = [fields[10], fields[11]];
  return { isBusy: 'RD'.includes(state), ticks: Number(userTicks) + Number(systemTicks) };
}

/** Whether a process has stood still from one look to the other. */
export function stoodStill(before: ProcessActivity | undefined, after: ProcessActivity | undefined): boolean {
  if (!before || !after) return false;
  return !before.isBusy && !after.isBusy && before.ticks === after.ticks;
}
