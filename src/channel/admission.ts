import { nodeNameProblem } from '../model/names.ts';
import { addedAgain, keyHolders, type KeyedNode } from '../model/node.ts';
import type { Store } from '../store/store.ts';
import { foundByRoute, type JoinResult } from './join.ts';

/**
 * Takes in a node that has proved that it knows the cluster user and holds its nkey.
 *
 * A name that has another key joins only while that key's node is not connected: a node that was set up
 * anew may return, and nobody takes the place of one that is there. A key lets in one node only.
 */
export async function admit(
  store: Store,
  joiner: { readonly name: string; readonly nkey: string; readonly addedVersion: number },
  { publicKey, isAlive }: { readonly publicKey: string; readonly isAlive: (name: string) => boolean },
): Promise<JoinResult | 'admitted'> {
  const { name, nkey, addedVersion } = joiner;
  if (name === store.nodeName)
    return { refused: 'name_in_use', reason: `'${name}' is the name of the node that it dialled` };
  const problem = nodeNameProblem(name);
  if (problem !== undefined)
    return { refused: 'join_refused', reason: `'${name}' cannot be the name of a node: ${problem}` };
  let refusal: JoinResult | undefined;
  await store.nodes.update(name, (row) => {
    // It may say that this node was removed, or is another one.
    if (store.nodes.isUnreadable(name)) {
      refusal = {
        refused: 'join_refused',
        reason: `${store.nodeName} cannot read what it knows of '${name}': add '${name}' there again, with add_node`,
      };
      return undefined;
    }
    if (row?.removedVersion !== undefined && row.removedVersion >= addedVersion) {
      refusal = {
        refused: 'removed',
        reason: `${store.nodeName} has removed '${name}'; add it again`,
        removedVersion: row.removedVersion,
      };
      return undefined;
    }
    if (row?.nkey !== undefined && row.nkey !== nkey && isAlive(name)) {
      refusal = {
        refused: 'name_in_use',
        reason: `another node named '${name}' is connected to ${store.nodeName}`,
      };
      return undefined;
    }
    const holders = keyHolders({ name: store.nodeName, nkey: publicKey }, store.nodes.known());
    const shared = sharedKeyProblem(holders, joiner);
    if (shared !== undefined) {
      refusal = { refused: 'join_refused', reason: shared };
      return undefined;
    }
    if (row?.nkey === nkey && row.removedVersion === undefined) return undefined;
    const decided = addedVersion === foundByRoute ? 0 : addedVersion;
    const kept = row ? addedAgain(row) : { name, subscriptions: [], addedVersion: decided };
    return { ...kept, nkey, addedVersion: Math.max(kept.addedVersion, decided) };
  });
  return refusal ?? 'admitted';
}

/** Why a node cannot be a peer by its key, and what to do; undefined when the key is its own. */
export function sharedKeyProblem(
  holders: ReadonlyMap<string, string>,
  { name, nkey }: KeyedNode,
): string | undefined {
  const holder = holders.get(nkey);
  if (holder === undefined || holder === name) return undefined;
  return (
    `'${name}' has the key of '${holder}', and is not let in: where one is a copy of the other, stop the copy, ` +
    `delete the directory 'keys' in its ROOTPATH and start it again; where '${name}' is '${holder}' under another ` +
    `name, remove '${holder}'`
  );
}
