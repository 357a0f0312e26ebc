import { type Peer } from './verify.ts'

/** `NAME=URL`, and `NAME: Header: value` for what that peer needs. Throws on anything else. */
export const readPeers = (
  peers: readonly string[],
  headers: readonly string[],
): readonly Peer[] => {
  const sent = headers.map((text) => {
    const [, name, header, value] = /^([^:]+):\s*([^:]+):\s*(.*)$/.exec(text) ?? []
    if (name === undefined || header === undefined || value === undefined) {
      throw new Error(`--peer-header ${text}: write it as 'NAME: Header: value'`)
    }
    return { name, header, value }
  })
  const read = peers.map((text) => {
    const [, name, url] = /^([^=]+)=(https?:\/\/.+)$/.exec(text) ?? []
    if (name === undefined || url === undefined) {
      throw new Error(`--peer ${text}: write it as NAME=http://…`)
    }
    const own = sent.filter((each) => each.name === name)
    return {
      name,
      url,
      headers: Object.fromEntries(own.map(({ header, value }) => [header, value])),
    }
  })
  const stray = sent.find(({ name }) => !read.some((peer) => peer.name === name))
  if (stray !== undefined) throw new Error(`--peer-header for ${stray.name}: no --peer is named so`)
  return read
}
