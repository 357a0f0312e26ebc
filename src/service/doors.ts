import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net'

/** An address, or the descriptors of sockets that somebody else has bound to one. */
export type Place = string | { readonly descriptors: readonly number[] }

/**
 * Of each socket the event loop takes one connection in a turn. Where turns are long, since many
 * come whom nobody knows, whoever comes waits a turn for each in front of him; with eight sockets he
 * waits an eighth of them. Only Linux spreads connections over sockets of one port.
 */
export const DOORS = process.platform === 'linux' ? 8 : 1

/** Connections that may wait until they are taken, at all sockets of an address. */
const BACKLOG = 4096

/**
 * Listens at a place: the server itself on the first socket, and on each other one a door whose
 * connections it gets.
 *
 * @param doors how many sockets an address is to have; a list of descriptors says it itself
 * @param opened gets each door before it listens, so that it can be closed whatever happens
 */
export const listenAt = async (
  server: Server,
  place: Place,
  doors: number,
  opened: Server[],
): Promise<void> => {
  const sockets = await socketsAt(place, doors)
  const backlog = Math.ceil(BACKLOG / sockets.length)
  const servers = sockets.map((_socket, index) => (index === 0 ? server : doorTo(server)))
  opened.push(...servers.slice(1))
  for (const [index, each] of servers.entries()) {
    await listen(each, { ...sockets[index], backlog })
  }
}

/** Resolves when the last of its connections is gone. */
export const closed = (door: Server): Promise<void> =>
  new Promise((resolve) => {
    door.close(() => resolve())
  })

type Socket = ListenOptions & { readonly fd?: number }

/** A port is shared with whoever asks to share it, so at first it is asked for alone. */
const socketsAt = async (place: Place, doors: number): Promise<readonly Socket[]> => {
  if (typeof place !== 'string') return place.descriptors.map((fd) => ({ fd }))
  const asked = addressOf(place)
  if (doors === 1) return [asked]
  const alone = createServer((connection) => connection.destroy())
  await listen(alone, asked)
  const { port } = { ...asked, ...infoOf(alone) }
  await closed(alone)
  return Array.from({ length: doors }, () => ({ ...asked, port, reusePort: true }))
}

const addressOf = (place: string): Socket => {
  const colon = place.lastIndexOf(':')
  return {
    host: place.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(place.slice(colon + 1)),
  }
}

const infoOf = (server: Server): Partial<AddressInfo> => {
  const address = server.address()
  return typeof address === 'object' && address !== null ? { port: address.port } : {}
}

/** Half open, as the server of the verify listener is. */
const doorTo = (server: Server): Server =>
  createServer({ allowHalfOpen: true }, (socket) => server.emit('connection', socket))

/** Later errors are of one connection that could not be taken; they must not end the process. */
const listen = (server: Server, how: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(how, resolve)
  })
