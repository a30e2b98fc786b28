import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

const shownLines = 25;

/**
 * Where the processor time of each profiled process went, by function, without what it called.
 *
 * @param {string} directory written by `node --cpu-prof`
 */
export function profileSummary(directory) {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.cpuprofile'))
    .sort()
    .map((name) => summaryOf(name, JSON.parse(readFileSync(join(directory, name), 'utf8'))))
    .join('');
}

/**
 * @param {string} name
 * @param {{ nodes: any[], samples: number[], timeDeltas: number[] }} profile
 */
function summaryOf(name, { nodes, samples, timeDeltas }) {
  const nodesById = new Map(nodes.map((node) => [node.id, node]));
  const selfMs = new Map();
  const partMs = new Map();
  let busyMs = 0;
  let idleMs = 0;
  samples.forEach((id, at) => {
    const { functionName, url } = nodesById.get(id).callFrame;
    const ms = timeDeltas[at] / 1_000;
    if (functionName === '(idle)') {
      idleMs += ms;
      return;
    }
    busyMs += ms;
    const place = url ? shortened(url) : '';
    const key = `${functionName || '(anonymous)'} ${place}`;
    selfMs.set(key, (selfMs.get(key) ?? 0) + ms);
    const part = url ? partOf(url) : functionName.startsWith('(') ? functionName : 'native';
    partMs.set(part, (partMs.get(part) ?? 0) + ms);
  });
  const process = nodes.some(({ callFrame }) => callFrame.url.endsWith('bridge-main.js')) ? 'bridge' : 'api';
  const head = `\n${process} ${name}: busy ${busyMs.toFixed(0)} ms, idle ${idleMs.toFixed(0)} ms`;
  const tables = [selfMs, partMs].map((times) => tableOf(times, busyMs));
  return [head, 'by function', tables[0], 'by part', tables[1], ''].join('\n');
}

/**
 * @param {ReadonlyMap<string, number>} times
 * @param {number} busyMs
 */
function tableOf(times, busyMs) {
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, shownLines)
    .filter(([, ms]) => ms >= busyMs / 100)
    .map(
      ([key, ms]) =>
        `  ${((ms / busyMs) * 100).toFixed(1).padStart(5)} %  ${ms.toFixed(0).padStart(6)} ms  ${key}`,
    )
    .join('\n');
}

/**
 * A package, what is bundled (our own and most packages: function names tell them apart), or Node itself.
 *
 * @param {string} url
 */
function partOf(url) {
  const installed = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url);
  if (installed) return installed[1];
  return url.includes('/dist/') ? 'bundles' : 'node';
}

/** @param {string} url */
function shortened(url) {
  return url.split(/[\\/]/).slice(-3).join(sep);
}
