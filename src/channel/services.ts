import { CodedError } from '../model/errors.ts';
import type { Store } from '../store/store.ts';
import type { ChannelServer } from './channel-server.ts';
import { joinRequest, type JoinServer } from './join.ts';
import type { PeerSession } from './peer-session.ts';
import { greeting, type Greeting, type Hello } from './hello.ts';
import { decodeBody } from './message-body.ts';
import { applyRequest, channelRequest } from './protocol.ts';

export interface ServiceCall {
  /** Who the server authenticated, never what a payload says; undefined for a caller without a key. */
  readonly peer: string | undefined;
  readonly service: string;
  readonly body: Uint8Array;
}

export interface ServiceContext {
  readonly store: Store;
  readonly server: ChannelServer;
  readonly join: Pick<JoinServer, 'answer'>;
  readonly session: (peer: string) => PeerSession | undefined;
  readonly greeted: (peer: string, message: Greeting) => Promise<Greeting>;
  readonly node: () => Hello;
}

/** More than a join needs, of whoever it is. */
const maxJoinBytes = 16_384;

/** The services of the bridge. @throws CodedError with what the caller may know */
export async function answerService(
  { peer, service, body }: ServiceCall,
  context: ServiceContext,
): Promise<unknown> {
  if (peer === undefined) {
    if (service === 'join' && body.length <= maxJoinBytes)
      return context.join.answer(decodeBody(joinRequest, body));
    throw new CodedError('forbidden', `There is no service ${service} for a caller without a key`);
  }
  if (!context.store.nodes.knownNamed(peer))
    throw new CodedError('forbidden', `${peer} is not a peer of ${context.store.nodeName}`);
  switch (service) {
    case 'hello':
      return context.greeted(peer, decodeBody(greeting, body));
    case 'subscribe':
    case 'pull':
    case 'copy':
    case 'digest':
    case 'list':
    case 'rows':
      return context.server.answer(peer, decodeBody(channelRequest, body));
    case 'apply':
      return (
        context.session(peer)?.push(decodeBody(applyRequest, body)) ?? { next: null, reason: 'not ready' }
      );
    case 'nodes':
      return context.node();
    default:
      throw new CodedError('forbidden', `There is no service ${service}`);
  }
}
