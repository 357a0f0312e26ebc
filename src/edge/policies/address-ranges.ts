import { BlockList, isIP } from 'node:net'
import { type CompileContext } from '../../core/policy/criterion.ts'

type Range = { readonly address: string; readonly prefix: number; readonly family: 'ipv4' | 'ipv6' }

/** A CIDR range, or one address; undefined for anything else. */
export const parseRange = (text: string): Range | undefined => {
  const [, address = '', written] = /^([0-9a-f.:]+)(?:\/([0-9]{1,3}))?$/i.exec(text) ?? []
  const version = isIP(address)
  if (version === 0) return undefined
  const longest = version === 4 ? 32 : 128
  const prefix = written === undefined ? longest : Number(written)
  return prefix > longest ? undefined : { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** Knows IPv4-mapped IPv6 addresses (`::ffff:10.0.0.1`) as the IPv4 addresses that they are. */
export const compileRanges: CompileContext['compileRanges'] = (ranges) => {
  const list = new BlockList()
  for (const text of ranges) {
    const range = parseRange(text)
    if (range === undefined) throw new TypeError(`range ${text} passed the schema unknown`)
    list.addSubnet(range.address, range.prefix, range.family)
  }
  return (address) => {
    const version = isIP(address)
    return version === 0 ? undefined : list.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }
}
