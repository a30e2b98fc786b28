import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The three processes of a node; a process that is down is undefined. */
export interface NodeProcesses {
  readonly api: number | undefined;
  readonly bridge: number | undefined;
  readonly nats: number | undefined;
}

export type ProcessName = keyof NodeProcesses;

/** The processes that were started by the api process and are alive. */
export function processesOf(api: number): NodeProcesses {
  if (!isRunning(api)) return { api: undefined, bridge: undefined, nats: undefined };
  const children = childrenOf(api);
  const named = (part: string): number | undefined =>
    children.find((pid) =>
      readProc(pid, 'cmdline')
        .split('\0')
        .some((word) => word.endsWith(part)),
    );
  return { api, bridge: named('bridge-main.js'), nats: named('nats-server') };
}

/** Alive, and not merely waiting for its parent to look. */
export function isRunning(pid: number): boolean {
  return stateOf(pid) !== undefined && stateOf(pid)?.kind !== 'Z';
}

/** For a message about a process that should not be there. */
export function describeProcess(pid: number): string {
  const command = readProc(pid, 'cmdline').replaceAll('\0', ' ');
  return `${command} (${pid}, state ${stateOf(pid)?.kind}, parent ${stateOf(pid)?.parent})`;
}

/** Alive, and held by a signal. */
export function isStopped(pid: number): boolean {
  return stateOf(pid)?.kind === 'T';
}

/** Every process that works in the directory, or below it, or has it in its command line, whoever its parent is now. */
export function processesOfDirectory(directory: string): readonly number[] {
  return allPids().filter(
    (pid) =>
      isRunning(pid) &&
      (`${workingDirectory(pid)}/`.startsWith(`${directory}/`) ||
        readProc(pid, 'cmdline').includes(directory)),
  );
}

export interface ProcessMemory {
  /** Resident, with the pages of mapped files: the store's, as far as the system keeps them. */
  readonly nowBytes: number;
  readonly peakBytes: number;
  /** What the process has taken for itself. */
  readonly ownBytes: number;
}

/** Undefined when the process is gone. */
export function memoryOf(pid: number): ProcessMemory | undefined {
  const status = readProc(pid, 'status');
  const field = (name: string): number | undefined => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  };
  const nowBytes = field('VmRSS');
  const peakBytes = field('VmHWM');
  const ownBytes = field('RssAnon');
  if (nowBytes === undefined || peakBytes === undefined || ownBytes === undefined) return undefined;
  return { nowBytes, peakBytes, ownBytes };
}

/** Ports at the other end of the TCP connections that a process holds. */
export function remotePortsOf(pid: number): ReadonlySet<number> {
  const sockets = new Set(readdirSync(`/proc/${pid}/fd`).map((name) => socketOf(pid, name)));
  const ports = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => sockets.has(columns[9]))
      .map((columns) => Number.parseInt(columns[2]?.split(':')[1] ?? '', 16)),
  );
  return new Set(ports);
}

function socketOf(pid: number, name: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1];
  } catch {
    return undefined;
  }
}

function childrenOf(parent: number): readonly number[] {
  return allPids().filter((pid) => {
    const state = stateOf(pid);
    return state?.parent === parent && state.kind !== 'Z';
  });
}

function allPids(): readonly number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function stateOf(pid: number): { readonly kind: string; readonly parent: number } | undefined {
  // The name of the program stands in brackets and may hold anything.
  const [, kind, parent] = /\) (\S) (\d+)/.exec(readProc(pid, 'stat')) ?? [];
  return kind === undefined ? undefined : { kind, parent: Number(parent) };
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}
