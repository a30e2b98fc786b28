/**
 * One Server-Sent Event; the id is the place to go on from.
 *
 * @typedef {{ event: string, id: string | undefined, data: Record<string, unknown> }} SentEvent
 */

/**
 * The events of a stream, whatever the pieces they arrive in. What breaks off in the middle is no event.
 *
 * @param {AsyncIterable<string>} pieces
 * @returns {AsyncGenerator<SentEvent>}
 */
export async function* sentEvents(pieces) {
  let rest = '';
  for await (const piece of pieces) {
    const blocks = (rest + piece).split('\n\n');
    rest = blocks.pop() ?? '';
    // A comment says that the other side is alive.
    for (const block of blocks) if (!block.startsWith(':')) yield parseBlock(block);
  }
}

/** @param {string} block */
function parseBlock(block) {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  return {
    event: fields.get('event') ?? 'message',
    id: fields.get('id'),
    data: JSON.parse(fields.get('data') ?? '{}'),
  };
}
