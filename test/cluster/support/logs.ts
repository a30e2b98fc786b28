import type { ClusterNode } from './cluster-node.ts';

type Logged = Pick<ClusterNode, 'name' | 'log' | 'printed'>;

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly err?: { readonly type?: string; readonly stack?: string };
}

/** What a node warns of when its own processes, its links or its peers are taken away. */
const expectedWarnings = new Set([
  'loop body failed',
  'child process exited',
  'child process killed',
  'alarm raised',
  'bridge stands still and holds up writes: ended',
  'operations API has a certificate of its own, which clients cannot verify',
]);

/** What only a mistake in the program throws. */
const mistakes = new Set(['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'AssertionError']);

/**
 * What nobody who took processes, links and peers away should find in the log of a node: errors, warnings of another kind,
 * failures that are mistakes of the program, and whatever its processes have printed besides.
 */
export function unexpectedIn(node: Logged): readonly string[] {
  const lines = linesOf(node).flatMap((text) => (isExpected(text) ? [] : [text]));
  const printed = node.printed.split('\n').filter((text) => text !== '' && !text.includes(' is ready: '));
  return [...lines, ...printed].map((text) => `${node.name}: ${text}`);
}

/** The lines of a node's log. */
export function linesOf(node: Logged): readonly string[] {
  return node.log.split('\n').filter((text) => text !== '');
}

function isExpected(text: string): boolean {
  const { level, msg, err } = parsed(text);
  if (level === 'error' || level === 'fatal') return false;
  return level !== 'warn' || (expectedWarnings.has(msg) && !mistakes.has(err?.type ?? ''));
}

/** A process that is killed may have written half a line. */
function parsed(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { level: 'torn', msg: text };
  }
}
