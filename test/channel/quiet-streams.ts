import { Random } from '../simulation/random.ts';
import { Streams, type StreamsOptions } from '../simulation/streams.ts';

/** The streams of a nats-server that loses nothing and never dies. */
export function quietStreams(
  options: Partial<Pick<StreamsOptions, 'maxMessageBytes' | 'onMessage'>> = {},
): Streams {
  return new Streams({
    random: new Random(1),
    maxMessageBytes: 1 << 20,
    ackLoss: () => 0,
    crashPoint: () => {},
    onMessage: () => {},
    ...options,
  });
}
