import * as z from 'zod';
import { dialUrl, type DialAddress } from '../../model/dial-address.ts';
import { nodeNameProblem } from '../../model/names.ts';
import { defaultPort, host, urlProblem } from './address.ts';
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

/** A node that may keep the channels that it has. */
export type NodeChange = Omit<NodeRequest, 'subscriptions'> & Partial<Pick<NodeRequest, 'subscriptions'>>;

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

const nodeFields = nodeName.extend({
  host: host.optional(),
  port: port.optional(),
  start_time: startTime.optional(),
});

const subscriptions = z.array(subscription);

/** The body of add_node, set_node_replication and of one connection of configure_cluster. */
export const nodeRequest = nodeFields.extend({ subscriptions }).transform((read, context): NodeRequest => {
  const node = nodeOf(read, context);
  return node === undefined
    ? z.NEVER
    : { ...node, subscriptions: since(read.start_time, read.subscriptions) };
});

/** The body of update_node, which may leave the channels of a node as they are. */
export const nodeChange = nodeFields
  .extend({ subscriptions: subscriptions.optional() })
  .transform((read, context): NodeChange => {
    const node = nodeOf(read, context);
    if (node === undefined) return z.NEVER;
    return read.subscriptions === undefined
      ? node
      : { ...node, subscriptions: since(read.start_time, read.subscriptions) };
  });

/** The instant of a request is that of each subscription without one of its own. */
function since(
  startTimeMs: number | undefined,
  asked: readonly RequestedSubscription[],
): readonly RequestedSubscription[] {
  return startTimeMs === undefined ? asked : asked.map((one) => ({ startTimeMs, ...one }));
}

/** Undefined when the context has been told what is wrong. */
function nodeOf(
  read: z.output<typeof nodeFields>,
  context: z.core.$RefinementCtx,
): Omit<NodeRequest, 'subscriptions'> | undefined {
  const named = nameOf(read, context);
  if (named === undefined) return undefined;
  const refuse = (field: string, message: string): undefined => {
    context.addIssue({ code: 'custom', path: [field], message });
  };
  if (read.url !== undefined && dialUrl(read.url) === undefined) return refuse('url', urlProblem);
  const address = addressOf(read, named.dialect);
  return typeof address === 'string' ? refuse(address, 'is required') : { ...named, ...address };
}

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
  const isUrl = key === 'hostname' && read.hostname === undefined && read.url !== undefined;
  const told = isUrl ? 'url' : name === undefined ? 'node_name' : key;
  context.issues.push({
    code: 'custom',
    path: [told],
    message: nameMessage(told, name, problem),
    input: read,
  });
  return undefined;
}

/** Hosts have dots where names of nodes cannot: what to send instead is told where one was taken for the other. */
function nameMessage(told: string, name: string | undefined, problem = 'is not valid'): string {
  if (told === 'node_name' || told === 'name') return problem;
  if (name === undefined) return urlProblem;
  return `names the node '${name}', and a name ${problem}: send its clustering.nodeName as 'node_name', and where it is as 'url'`;
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
