import { CodedError } from '../model/errors.ts';
import { connectTo, type ConnectionRequest } from './connection.ts';

interface ReloadAnswer {
  readonly error?: { readonly description?: string };
}

/**
 * Makes the node's own nats-server read its configuration again and waits for its answer: users and
 * permissions are in force when this resolves. A configuration that it refuses leaves the old one.
 *
 * @param request signs in as the user of the SYS account
 */
export async function reloadServer(request: ConnectionRequest, serverId: string): Promise<void> {
  const connection = await connectTo(request);
  try {
    const answer = await connection.request(`$SYS.REQ.SERVER.${serverId}.RELOAD`, '', { timeout: 10_000 });
    const { error } = answer.json<ReloadAnswer>();
    if (error)
      throw new CodedError(
        'unavailable',
        `nats-server refused its new configuration: ${error.description ?? ''}`,
      );
  } finally {
    await connection.close();
  }
}
