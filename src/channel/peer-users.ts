import type { NatsConnection } from '@nats-io/transport-node';
import type { Store } from '../store/store.ts';
import type { NodeKeys } from '../stream/node-keys.ts';
import { peersConfig, writePeers } from '../stream/server-config.ts';
import { reloadServer } from '../stream/server-reload.ts';
import type { LocalServer } from './local-server.ts';

export interface PeerUsersOptions {
  readonly store: Store;
  readonly keys: NodeKeys;
  /** Where this node's own nats-server listens, and where its configuration is. */
  readonly server: { readonly port: number; readonly directory: string };
  readonly local: LocalServer;
}

/** The users of the node's own nats-server, one for each peer, and what each may do: as the rows say. */
export class PeerUsers {
  readonly #options: PeerUsersOptions;
  /** What the server has confirmed, over which connection: one that starts again reads what is written then. */
  #inForce: { readonly content: string; readonly connection: NatsConnection } | undefined;

  constructor(options: PeerUsersOptions) {
    this.#options = options;
  }

  /** The server has confirmed that it lets in the peers of the rows, as they are now, and nobody else. */
  get areInForce(): boolean {
    const { connection } = this.#options.local;
    return this.#inForce?.content === this.#content && this.#inForce.connection === connection;
  }

  /** Done when the server, if it runs, has confirmed. */
  async enforce(): Promise<void> {
    if (this.areInForce) return;
    const { server, keys, local } = this.#options;
    const { connection } = local;
    const content = this.#content;
    // Also while it does not run: it may not start with what is there.
    writePeers(server.directory, content);
    if (!connection?.info) return;
    await reloadServer(
      {
        host: local.host,
        port: server.port,
        certificate: keys.certificate,
        seed: keys.systemSeed,
        inbox: 'system',
        name: 'system',
        timeoutMs: 5_000,
        reconnect: false,
      },
      connection.info.server_id,
    );
    this.#inForce = { content, connection };
  }

  get #content(): string {
    const { store, keys } = this.#options;
    return peersConfig(store.nodes.known(), { name: store.nodeName, nkey: keys.publicKey });
  }
}
