import ipaddr from 'ipaddr.js'

/** Whether an address lies in a CIDR range; undefined where the range is none. */
export const blockHolds = (cidr: string, address: string): boolean | undefined => {
  if (!isRange(cidr)) return undefined
  if (!isAddress(address)) return false
  const [network, prefix] = ipaddr.parseCIDR(cidr)
  const found = ipaddr.parse(address)
  return found.kind() === network.kind() && found.match(network, prefix)
}

/** Four decimal parts, or IPv6; the library also knows `10.1` and octal numbers. */
export const isAddress = (text: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(text) || (text.includes(':') && ipaddr.IPv6.isValid(text))

export const isRange = (text: string): boolean =>
  /^[0-9a-f.:]+\/(?:0|[1-9][0-9]{0,2})$/i.test(text) &&
  isAddress(text.slice(0, text.indexOf('/'))) &&
  ipaddr.isValidCIDR(text)
