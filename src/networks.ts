import { BlockList, isIP, isIPv6 } from 'node:net'
import { OperatorError } from './operator-error.ts'

/** What TRUST_PROXY names. */
export function readNetworks (text: string): readonly string[] {
  const networks = text.split(',').map((part) => part.trim()).filter((part) => part !== '')
  for (const network of networks) {
    if (!isNetwork(network)) {
      throw new OperatorError(`TRUST_PROXY has "${network}", which is no address or network. It looks like 10.0.0.0/8,192.168.1.7.`)
    }
  }
  return Object.freeze(networks)
}

function isNetwork (text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  if (isIP(address) === 0 || rest.length > 0) return false
  if (prefix === undefined) return true
  if (!/^\d{1,3}$/.test(prefix)) return false
  try {
    new BlockList().addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4')
    return true
  } catch {
    return false
  }
}
