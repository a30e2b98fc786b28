import { CodedError } from '../model/errors.ts';
import { keyHolders, removedThere, type NodeRow } from '../model/node.ts';
import type { Logger } from '../runtime/logger.ts';
import { RareLines } from '../runtime/rare-lines.ts';
import type { Store } from '../store/store.ts';
import type { Address } from '../stream/connection.ts';
import type { NodeKeys } from '../stream/node-keys.ts';
import { admit, sharedKeyProblem } from './admission.ts';
import { clusterVerifier } from './cluster-verifier.ts';
import { JoinServer, RemovedError, requestJoin, type Joined } from './join.ts';
import { RefusedError } from './link.ts';

export interface JoiningOptions {
  readonly store: Store;
  readonly keys: NodeKeys;
  /** The cluster user. */
  readonly user: string;
  readonly password: string;
  readonly isAlive: (peer: string) => boolean;
  /** A row was changed. */
  readonly onChange: () => void;
  /** What runs fits the rows when this resolves. */
  readonly sync: () => Promise<void>;
  readonly log: Logger;
}

/** How this node becomes a peer of others, and they of it. */
export class Joining {
  /** Answers those who join. */
  readonly server: JoinServer;
  readonly #options: JoiningOptions;

  constructor(options: JoiningOptions) {
    this.#options = options;
    const { store, keys, user, isAlive, sync, log } = options;
    const refused = new RareLines({
      log,
      level: 'warn',
      message: 'join refused: wrong cluster user or password',
      field: 'peer',
    });
    this.server = new JoinServer({
      selfName: store.nodeName,
      publicKey: keys.publicKey,
      certificate: keys.certificate,
      user,
      verifier: () => clusterVerifier(store, user),
      admit: async (joiner) => {
        const result = await admit(store, joiner, { publicKey: keys.publicKey, isAlive });
        if (result === 'admitted') await sync();
        log.info({ peer: joiner.name, result }, 'join answered');
        return result;
      },
      onFailure: (name) => refused.write(name),
    });
  }

  /** Joins the node of a row that has an address; what it answers goes into the row. */
  async joinNode({ name, host, port, addedVersion }: NodeRow): Promise<void> {
    const { store, onChange } = this.#options;
    if (host === undefined || port === undefined) return;
    const checkName = (found: string): void => {
      if (found !== name)
        throw new CodedError('unavailable', `The node at ${host}:${port} is '${found}', not '${name}'`);
    };
    try {
      const joined = await this.join({ host, port, addedVersion, timeoutMs: 5_000 });
      if (joined.name === store.nodeName)
        throw new RefusedError(
          'name_in_use',
          `The node at ${host}:${port} is this node itself, or a copy of it`,
        );
      checkName(joined.name);
      await store.nodes.update(name, (row) =>
        row ? { ...row, nkey: joined.nkey, certificate: joined.certificate } : undefined,
      );
      onChange();
    } catch (error) {
      if (error instanceof RemovedError) {
        const { by, removedVersion } = error;
        checkName(by);
        await store.nodes.update(name, (row) => (row ? removedThere(row, removedVersion) : undefined));
        onChange();
      }
      throw error;
    }
  }

  /** Joins whoever is at an address. @throws RefusedError */
  async join({
    host,
    port,
    ...rest
  }: Address & { readonly addedVersion: number; readonly timeoutMs: number }): Promise<Joined> {
    const { store, user, password } = this.#options;
    const { seed, publicKey } = this.#options.keys;
    const { nodeName: selfName } = store;
    const joined = await requestJoin({ host, port }, { ...rest, user, password, selfName, seed, publicKey });
    const holders = keyHolders({ name: selfName, nkey: publicKey }, store.nodes.known());
    const problem = sharedKeyProblem(holders, joined);
    if (problem !== undefined) throw new RefusedError('join_refused', problem);
    return joined;
  }
}
