import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { channelName, encodeToken } from '../model/channel-name.ts';
import { keyHolders, type KeyedNode, type NodeRow } from '../model/node.ts';
import { writeWhole } from '../runtime/whole-file.ts';
import { isPublicKey } from './nkey.ts';
import type { NodeKeys } from './node-keys.ts';
import { makePrivateDirectory } from '../runtime/private-files.ts';

export interface ServerConfigOptions {
  /** Where the configuration of this node's nats-server is written. */
  readonly directory: string;
  /** `nats-config/node.conf` of this installation. */
  readonly template: string;
  readonly nodeName: string;
  readonly host: string;
  readonly port: number;
  readonly keys: NodeKeys;
  readonly maxFileBytes: number;
}

/** Writes the configuration; returns the file to start nats-server with. Keeps the peers of the last run. */
export function writeServerConfig(options: ServerConfigOptions): string {
  makePrivateDirectory(options.directory);
  const values = {
    LYRE_SERVER_NAME: encodeToken(options.nodeName),
    LYRE_HOST: options.host,
    LYRE_PORT: options.port,
    LYRE_PID_FILE: join(options.directory, 'nats.pid'),
    LYRE_STORE_DIR: join(options.directory, 'store'),
    LYRE_MAX_FILE: options.maxFileBytes,
    LYRE_CERTIFICATE: options.keys.certificateFile,
    LYRE_PRIVATE_KEY: options.keys.privateKeyFile,
    LYRE_NODE_KEY: options.keys.publicKey,
    LYRE_SYSTEM_KEY: options.keys.systemPublicKey,
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  writeWhole(join(options.directory, 'node-values.conf'), lines.join(''));
  if (!existsSync(peersFile(options.directory))) {
    const self = { name: options.nodeName, nkey: options.keys.publicKey };
    writePeers(options.directory, peersConfig([], self));
  }
  const file = join(options.directory, 'node.conf');
  writeWhole(file, readFileSync(options.template, 'utf8'));
  return file;
}

/** Takes effect when the server reloads. */
export function writePeers(directory: string, content: string): void {
  writeWhole(peersFile(directory), content);
}

/**
 * The users of the PEERS account: each may call its own services and pull from the channels published to it. No key
 * stands there twice, and nothing that is no key: nats-server refuses such a file, and does not start with it.
 */
export function peersConfig(peers: readonly NodeRow[], self: KeyedNode): string {
  const holders = keyHolders(self, peers);
  const users = peers.flatMap((peer) =>
    peer.nkey &&
    peer.removedVersion === undefined &&
    holders.get(peer.nkey) === peer.name &&
    isPublicKey(peer.nkey)
      ? [userOf(peer, peer.nkey)]
      : [],
  );
  return `users: [\n${users.join('')}]\n`;
}

function userOf(peer: NodeRow, nkey: string): string {
  const name = encodeToken(peer.name);
  const pulls = peer.subscriptions
    .filter(({ publish, stopped }) => publish && stopped === undefined)
    .map(({ database, table }) => `$JS.API.CONSUMER.MSG.NEXT.${channelName(database, table)}.${name}`);
  const publish = JSON.stringify([`svc.${name}.>`, ...pulls]);
  const subscribe = JSON.stringify([`_INBOX_${name}.>`]);
  return `  { nkey: ${nkey}, permissions: { publish: { allow: ${publish} }, subscribe: { allow: ${subscribe} } } }\n`;
}

function peersFile(directory: string): string {
  return join(directory, 'peers.conf');
}
