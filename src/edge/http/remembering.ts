const MOST = 2000
const LONGEST = 512

/**
 * The same function, with its answers kept: for texts of which a few come again and again. Hosts
 * below a wildcard are the client's choice, so there may be any number of others.
 */
export const remembering = <Value>(read: (text: string) => Value): ((text: string) => Value) => {
  const known = new Map<string, Value>()
  return (text) => {
    const last = known.get(text)
    if (last !== undefined) return last
    const value = read(text)
    if (known.size >= MOST) known.clear()
    if (text.length <= LONGEST) known.set(ownText(text), value)
    return value
  }
}

/** A part of a string keeps all of it in memory for as long as it is kept itself. */
const ownText = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')
