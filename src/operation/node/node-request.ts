import * as z from 'zod';
import { dialUrl, type DialAddress } from '../../model/dial-address.ts';
import { nodeNameProblem } from '../../model/names.ts';
import { host, urlProblem } from './address.ts';
import { startTime, subscription, type RequestedSubscription } from './subscription-request.ts';

/** Which success message a client expects: that of the manifest (3.x, 4.0-4.3) or of the cluster (4.4+). */
export type NodeDialect = 'manifest' | 'cluster';

/** A node and its channels, in whatever dialect it was asked. */
export interface NodeRequest {
  readonly dialect: NodeDialect;
  readonly name: string;
  readonly host?: string;
  readonly port?: number;
  /** Where it is dialled when neither the request nor the row says more than its host name. */
  readonly fallback?: Required<DialAddress>;
  readonly subscriptions: readonly RequestedSubscription[];
}

/** Where a node is dialled when a 4.4+ body gives only its host. */
const defaultPort = 9932;

const port = z.int().min(1).max(65_535);

const nodeName = z.object({
  node_name: z.string().optional(),
  name: z.string().optional(),
  hostname: z.string().optional(),
  url: z.string().optional(),
});

/** The name of a node under any of its keys. */
export const namedNode = nodeName.transform((read, context) => {
  const named = nameOf(read, context);
  return named ?? z.NEVER;
});

/** The body of add_node, update_node, set_node_replication and of one connection of configure_cluster. */
export const nodeRequest = nodeName
  .extend({
    host: host.optional(),
    port: port.optional(),
    start_time: startTime.optional(),
    subscriptions: z.array(subscription),
  })
  .transform((read, context): NodeRequest => {
    const named = nameOf(read, context);
    if (named === undefined) return z.NEVER;
    if (read.url !== undefined && dialUrl(read.url) === undefined) {
      context.addIssue({ code: 'custom', path: ['url'], message: urlProblem });
      return z.NEVER;
    }
    const address = addressOf(read, named.dialect);
    if (typeof address === 'string') {
      context.addIssue({ code: 'custom', path: [address], message: 'is required' });
      return z.NEVER;
    }
    const start = read.start_time;
    const subscriptions =
      start === undefined
        ? read.subscriptions
        : read.subscriptions.map((one) => ({ startTimeMs: start, ...one }));
    return { ...named, ...address, subscriptions };
  });

type NameFields = z.output<typeof nodeName>;

type AddressFields = NameFields & { readonly host?: string | undefined; readonly port?: number | undefined };

interface NamedNode {
  readonly dialect: NodeDialect;
  readonly name: string;
}

function nameOf(read: NameFields, context: z.core.$RefinementCtx): NamedNode | undefined {
  const key = read.node_name !== undefined ? 'node_name' : read.name !== undefined ? 'name' : 'hostname';
  const name = read[key] ?? (read.url === undefined ? undefined : dialUrl(read.url)?.host);
  const problem = name === undefined ? 'is required' : nodeNameProblem(name);
  if (name !== undefined && problem === undefined) {
    return { dialect: key === 'hostname' ? 'cluster' : 'manifest', name };
  }
  const told = read.url === undefined && name === undefined ? 'node_name' : name === undefined ? 'url' : key;
  context.issues.push({ code: 'custom', path: [told], message: problem ?? 'is not valid', input: read });
  return undefined;
}

/** Where to dial; an empty object when the request does not say; the name of the missing field when half is said. */
function addressOf(
  read: AddressFields,
  dialect: NodeDialect,
): Pick<NodeRequest, 'host' | 'port' | 'fallback'> | 'host' | 'port' {
  const url = read.url === undefined ? undefined : dialUrl(read.url);
  if (url !== undefined && (dialect === 'cluster' || read.host === undefined))
    return { host: url.host, port: url.port ?? read.port ?? defaultPort };
  if (dialect === 'cluster') return clusterAddressOf(read);
  if (read.host === undefined) return read.port === undefined ? {} : 'host';
  return read.port === undefined ? 'port' : { host: read.host, port: read.port };
}

/** A host name is the name of the node first: alone it must not take the place of an address that somebody has told. */
function clusterAddressOf({
  hostname,
  host,
  port,
}: AddressFields): Pick<NodeRequest, 'host' | 'port' | 'fallback'> {
  const dialled = host ?? hostname;
  if (dialled === undefined) return {};
  const address = { host: dialled, port: port ?? defaultPort };
  return host === undefined && port === undefined ? { fallback: address } : address;
}
