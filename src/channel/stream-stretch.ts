import { CodedError } from '../model/errors.ts';
import type { Table } from '../model/table.ts';
import type { Store } from '../store/store.ts';
import type { StreamLimits, StreamState, WritableStream } from '../stream/channel-stream.ts';
import type { MessageHead } from '../stream/message-head.ts';

/** A stream that was found to be a true copy of a stretch of the log, as its only writer goes on with it. */
export interface StreamStretch {
  readonly stream: WritableStream;
  readonly table: Table;
  readonly storeId: string;
  /** First number that the stream holds; everything from here to `publishedSeq` is in it. */
  firstSeq: number;
  publishedSeq: number;
  nextSequence: number;
  /** Where in the stream what follows `publishedSeq` begins, or will: lower while a transaction is half out. */
  followingSequence: number;
}

/** A message is in the stream and is not what was put there. */
export class UnreadableMessageError extends CodedError {
  override readonly name = 'UnreadableMessageError';

  constructor(channel: string, sequence: number) {
    super('stream_unavailable', `Message ${sequence} of ${channel} cannot be read`);
  }
}

/** The stretch that the stream holds and can be continued behind, or why it cannot. */
export async function findStretch(
  stream: WritableStream,
  state: StreamState,
  { store, table, limits }: { readonly store: Store; readonly table: Table; readonly limits: StreamLimits },
): Promise<StreamStretch | string> {
  const { storeId } = store.identity;
  if (state.identity?.storeId !== storeId || state.identity.incarnation !== table.incarnation)
    return 'another history';
  if (state.limits.maxBytes !== limits.maxBytes || state.limits.maxAgeMs !== limits.maxAgeMs)
    return 'other limits';
  if (!state.isDense) return 'a hole';
  if (state.messages === 0) return 'empty';
  const first = await stream.headAt(state.firstSequence);
  let lastSequence = state.lastSequence;
  let last = await stream.headAt(lastSequence);
  if (!first || !last) return 'a message that cannot be read';
  if (
    first.first <= store.log.head(table.id).trimmedSeq &&
    store.log.idAt(table.id, first.first) === undefined
  )
    return 'older than the log';
  // A transaction that is not whole is sent again from its first piece.
  while (last.isPartial && last.first === last.last) {
    lastSequence -= 1;
    const before = lastSequence >= state.firstSequence ? await stream.headAt(lastSequence) : undefined;
    if (!before) return 'only a part of a transaction';
    last = before;
  }
  const isOurs = [first, last].every(
    (head) => head.storeId === storeId && head.incarnation === table.incarnation,
  );
  if (!isOurs) return 'messages of another history';
  const whole = last.isPartial ? last.last - 1 : last.last;
  if (!last.isPartial && store.log.idAt(table.id, whole) !== last.lastId)
    return 'a transaction that the log does not have';
  if (whole > store.log.head(table.id).headSeq) return 'ahead of the log';
  if (whole < store.log.head(table.id).trimmedSeq) return 'behind the log';
  return {
    stream,
    table,
    storeId,
    firstSeq: firstWhole(first, state.firstSequence, state.firstSequence),
    publishedSeq: whole,
    nextSequence: state.lastSequence + 1,
    // Pieces that are there already are sent again.
    followingSequence: state.lastSequence + 1,
  };
}

/**
 * The first message that holds a number after `seq`, or the place of the next one; by binary search over headers, which
 * takes whole messages, and without any for who has all that there is.
 *
 * @throws UnreadableMessageError
 */
export async function firstMessageAfter(
  stretch: StreamStretch,
  seq: number,
): Promise<{
  readonly sequence: number;
  readonly head: MessageHead | undefined;
  readonly firstWhole?: number;
}> {
  const state = await stretch.stream.state();
  if (!state) throw new CodedError('stream_unavailable', `Stream ${stretch.stream.channel} is gone`);
  if (state.messages === 0) return { sequence: state.lastSequence + 1, head: undefined };
  const { followingSequence } = stretch;
  const isUntouched =
    state.lastSequence + 1 === stretch.nextSequence && state.firstSequence <= followingSequence;
  if (seq === stretch.publishedSeq && isUntouched) return { sequence: followingSequence, head: undefined };
  let low = state.firstSequence;
  let high = state.lastSequence + 1;
  let found: MessageHead | undefined;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const head = await stretch.stream.headAt(middle);
    if (!head) {
      // The limits of the stream may have trimmed it meanwhile.
      if (middle < ((await stretch.stream.state())?.firstSequence ?? 0))
        return firstMessageAfter(stretch, seq);
      throw new UnreadableMessageError(stretch.stream.channel, middle);
    }
    if (head.last > seq) {
      high = middle;
      found = head;
    } else {
      low = middle + 1;
    }
  }
  if (!found) return { sequence: low, head: undefined };
  return { sequence: low, head: found, firstWhole: firstWhole(found, low, state.firstSequence) };
}

/** The first number of a message that is surely whole: before the oldest message of a trimmed stream pieces of it may be gone. */
function firstWhole(head: MessageHead, sequence: number, firstSequence: number): number {
  return sequence === firstSequence && firstSequence > 1 ? head.first + 1 : head.first;
}
