import type { ServerResponse } from 'node:http';

/** A client that takes nothing of what waits for it for so long holds memory or a file for nothing. */
const stalledMs = 60_000;

/** Ends an answer that its client does not take; one that has nothing to give yet goes on. */
export function cutWhenStalled(response: ServerResponse, limitMs = stalledMs): void {
  response.setTimeout(limitMs, () => {
    if (response.writableLength > 0) response.destroy();
  });
}
