import { blockHolds } from '../network/address-block.ts'

/** A part of the network, by name: a label that says nothing about who may pass. */
export type Zone = {
  readonly name: string
  readonly ranges: readonly string[]
  readonly isVpn: boolean
}

export type ZoneOf = (address: string | undefined) => Zone

/** Where no range holds, and where a line has no address. */
export const ELSEWHERE: Zone = { name: 'elsewhere', ranges: [], isVpn: false }

const MOST_REMEMBERED = 50_000

/** The first zone of which a range holds the address. */
export const createZoneOf = (zones: readonly Zone[]): ZoneOf => {
  const known = new Map<string, Zone>()
  const find = (address: string): Zone =>
    zones.find(({ ranges }) => ranges.some((range) => blockHolds(range, address) === true)) ??
    ELSEWHERE
  return (address) => {
    if (address === undefined) return ELSEWHERE
    const found = known.get(address) ?? find(address)
    if (known.size < MOST_REMEMBERED) known.set(address, found)
    return found
  }
}
