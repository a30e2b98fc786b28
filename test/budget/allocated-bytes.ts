import type { HeapProfiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';

/** Bytes between two samples: the fewer, the more exact. */
const samplingInterval = 1_024;

export interface Allocated {
  readonly bytes: number;
  /** Own bytes of each function, most first. */
  readonly byFunction: readonly (readonly [place: string, bytes: number])[];
}

/**
 * What `body` allocates on the heap, whether it is collected since or not. V8 takes samples, so this is no exact count,
 * but neither the time that passes nor the moment of a collection matters. Buffers' contents are not on the heap.
 */
export async function allocatedBy(body: () => Promise<unknown>): Promise<Allocated> {
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.startSampling', {
      samplingInterval,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    } as HeapProfiler.StartSamplingParameterType);
    await body();
    const { profile } = await session.post('HeapProfiler.stopSampling');
    const byFunction = [...ownBytes(profile.head)].toSorted(([, one], [, other]) => other - one);
    return { bytes: byFunction.reduce((sum, [, own]) => sum + own, 0), byFunction };
  } finally {
    session.disconnect();
  }
}

function ownBytes(
  node: HeapProfiler.SamplingHeapProfileNode,
  sums = new Map<string, number>(),
): Map<string, number> {
  const { functionName, url, lineNumber } = node.callFrame;
  const place = `${functionName || '(anonymous)'} ${url.split('/').slice(-2).join('/')}:${lineNumber + 1}`;
  sums.set(place, (sums.get(place) ?? 0) + node.selfSize);
  for (const child of node.children) ownBytes(child, sums);
  return sums;
}
