import { BlockList, isIP, isIPv4 } from 'node:net';

/** Ranges that no public server has: this host, this network, link-local, shared, reserved, multicast. */
const ranges4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;

/** Of IPv6 only 2000::/3 is public, without what carries an IPv4 address within (Teredo, 6to4) and documentation. */
const carriers6 = [
  ['2001::', 32],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const;

/** Whether an IP address belongs to the public internet; mapped and translated IPv4 addresses do not. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !notPublic4.check(address, 'ipv4');
  if (isIP(address) === 0) return false;
  return global6.check(address, 'ipv6') && !carried6.check(address, 'ipv6');
}

const notPublic4 = new BlockList();
for (const [network, prefix] of ranges4) notPublic4.addSubnet(network, prefix, 'ipv4');

const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');

const carried6 = new BlockList();
for (const [network, prefix] of carriers6) carried6.addSubnet(network, prefix, 'ipv6');
