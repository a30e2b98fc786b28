import { CodedError } from '../model/errors.ts';
import { keyHolders, removedThere, type NodeRow } from '../model/node.ts';
import type { Logger } from '../runtime/logger.ts';
import { RareLines } from '../runtime/rare-lines.ts';
import type { Store } from '../store/store.ts';
import type { Address } from '../stream/connection.ts';
import type { NodeKeys } from '../stream/node-keys.ts';
import { admit, sharedKeyProblem } from './admission.ts';
import { clusterVerifier } from './cluster-verifier.ts';
import {
  JoinServer,
  RemovedError,
  requestJoin,
  type Joined,
  type JoinerOptions,
  type Sought,
} from './join.ts';
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
    const answered = new RareLines({ log, level: 'info', message: 'join answered', field: 'peer' });
    this.server = new JoinServer({
      selfName: store.nodeName,
      publicKey: keys.publicKey,
      certificate: keys.certificate,
      user,
      verifier: () => clusterVerifier(store, user),
      admit: async (joiner) => {
        const result = await admit(store, joiner, { publicKey: keys.publicKey, isAlive });
        if (result === 'admitted') await sync();
        answered.write(joiner.name, { result });
        return result;
      },
      onFailure: (name) => refused.write(name),
    });
  }

  /** Joins the node of a row that has an address; what it answers goes into the row. */
  async joinNode({ name, host, port, addedVersion }: NodeRow): Promise<void> {
    const { store, onChange } = this.#options;
    if (host === undefined || port === undefined) return;
    const isSelf = (found: string): boolean => found === store.nodeName;
    const versionFor = (found: string): number => {
      if (found === name || isSelf(found)) return addedVersion;
      throw new CodedError('unavailable', `The node at ${host}:${port} is '${found}', not '${name}'`);
    };
    const joined = await this.join({ host, port, addedVersion, versionFor, timeoutMs: 5_000 });
    if (!joined || isSelf(joined.name))
      throw new RefusedError(
        'name_in_use',
        `The node at ${host}:${port} is this node itself, or a copy of it`,
      );
    const { nkey, certificate } = joined;
    // What stands there may be the key of another node by now, at another address, or a removal.
    await store.nodes.update(name, (row) => {
      const isSought = row?.removedVersion === undefined && row?.host === host && row.port === port;
      return isSought ? { ...row, nkey, certificate } : undefined;
    });
    onChange();
  }

  /** Joins whoever is at an address, if that is one to join. @throws RefusedError */
  async join({
    host,
    port,
    ...rest
  }: Address & Sought & Pick<JoinerOptions, 'timeoutMs' | 'signal'>): Promise<Joined | undefined> {
    const { store, user, password } = this.#options;
    const { seed, publicKey } = this.#options.keys;
    const { nodeName: selfName } = store;
    const joiner = { ...rest, user, password, selfName, seed, publicKey };
    const joined = await requestJoin({ host, port }, joiner).catch(async (error: unknown) => {
      if (error instanceof RemovedError) await this.#forget(error);
      throw error;
    });
    if (!joined) return undefined;
    const holders = keyHolders({ name: selfName, nkey: publicKey }, store.nodes.known());
    const problem = sharedKeyProblem(holders, joined);
    if (problem !== undefined) throw new RefusedError('join_refused', problem);
    return joined;
  }

  async #forget({ by, removedVersion }: RemovedError): Promise<void> {
    const { store, onChange } = this.#options;
    await store.nodes.update(by, (row) => (row ? removedThere(row, removedVersion) : undefined));
    onChange();
  }
}
