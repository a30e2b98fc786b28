import { readFileSync } from 'node:fs';

/** Linux counts processor time in these, whatever the kernel's own clock is. */
const ticksPerSecond = 100;

/**
 * A process and everything below it that runs now.
 *
 * @param {number} pid
 * @returns {number[]}
 */
export function treeOf(pid) {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(treeOf)];
}

/**
 * Processor seconds of a tree so far, those of children that ended included.
 *
 * @param {number} pid
 */
export function cpuSecondsOf(pid) {
  let ticks = 0;
  for (const member of treeOf(pid)) {
    const stat = read(`/proc/${member}/stat`);
    // After the command, which may hold spaces: utime, stime, cutime and cstime are fields 14 to 17.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    for (const field of fields.slice(11, 15)) ticks += Number(field);
  }
  return ticks / ticksPerSecond;
}

/** Processor seconds of everything in the machine so far, other guests of its host included. */
export function machineCpuSeconds() {
  const [user, nice, system, , , irq, softirq, steal] = read('/proc/stat')
    .slice(0, 200)
    .split('\n')[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / ticksPerSecond;
}

/**
 * Memory of a tree in MiB: pages that processes share are counted once in all.
 *
 * @param {number} pid
 */
export function pssMiB(pid) {
  return kibToMiB(sum(treeOf(pid), (member) => kibOf(read(`/proc/${member}/smaps_rollup`), 'Pss')));
}

/**
 * Highest resident size of any process of a tree since it started, MiB. Pages of a mapped file count, dirty or not.
 *
 * @param {number} pid
 */
export function peakResidentMiB(pid) {
  return kibToMiB(Math.max(...treeOf(pid).map((member) => kibOf(read(`/proc/${member}/status`), 'VmHWM'))));
}

/**
 * What the process of a tree that holds most has for itself, MiB.
 *
 * @param {number} pid
 */
export function ownMiB(pid) {
  return kibToMiB(Math.max(...treeOf(pid).map((member) => ownKibIn(read(`/proc/${member}/status`)))));
}

/**
 * What a process has for itself. Not its store's pages, whoever keeps them: those of a mapped file (LMDB) are no more
 * counted than those of shared memory (PostgreSQL's shared_buffers).
 *
 * @param {string} status of `/proc/<pid>/status`
 */
export function ownKibIn(status) {
  return kibOf(status, 'RssAnon');
}

/**
 * @param {string} text
 * @param {string} name
 */
function kibOf(text, name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

/**
 * @param {readonly number[]} values
 * @param {(value: number) => number} measure
 */
function sum(values, measure) {
  return values.reduce((total, value) => total + measure(value), 0);
}

/** @param {number} kib */
function kibToMiB(kib) {
  return kib / 1_024;
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process ended since we saw it.
    return '';
  }
}
