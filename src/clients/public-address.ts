/** Which addresses are of the public Internet: what others may have the server connect to. */
import { BlockList, isIPv4, isIPv6 } from 'node:net'

const reserved = new BlockList()
// https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast
for (const [network, prefix] of [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24],
  ['192.88.99.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4]
] as const) reserved.addSubnet(network, prefix, 'ipv4')
// https://www.iana.org/assignments/iana-ipv6-special-registry, as far as it is inside of 2000::/3; some hold an IPv4 address.
for (const [network, prefix] of [['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['3fff::', 20]] as const) reserved.addSubnet(network, prefix, 'ipv6')

const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')

/** Whether a packet to it leaves for the public Internet: not loopback, private, link-local, mapped or reserved. */
export function isPublicAddress (address: string): boolean {
  if (isIPv4(address)) return !reserved.check(address, 'ipv4')
  return isIPv6(address) && globalUnicast.check(address, 'ipv6') && !reserved.check(address, 'ipv6')
}
