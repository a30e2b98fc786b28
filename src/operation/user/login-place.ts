/** Where a login comes from: an IPv4 address, or an IPv6 /64, for who has one address of it has all of them. */
export function placeOf(address: string): string {
  return isIpv6(address) ? networkOf(address, 4) : address;
}

/** What one owner may have many places in: an IPv4 /24 or an IPv6 /48. */
export function siteOf(address: string): string {
  return isIpv6(address) ? networkOf(address, 3) : address.replace(/\.\d+$/, '');
}

function isIpv6(address: string): boolean {
  return address.includes(':') && !address.startsWith('::ffff:');
}

function networkOf(address: string, length: number): string {
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - groups.length - rest.length }, () => '0');
  return [...groups, ...zeros, ...rest].slice(0, length).join(':');
}
