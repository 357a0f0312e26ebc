import { lookup } from 'node:dns/promises'
import net, { createServer, type Server } from 'node:net'

/** An address that is taken, so that others can be told of it before anybody listens. */
export type BoundAddress = {
  /** Such as `127.0.0.1:8080`; the port is known even if 0 was asked for. */
  readonly address: string
  /** Of its sockets. */
  readonly descriptors: readonly number[]
  readonly close: () => void
}

export type WorkerAddresses<Each> = Readonly<Record<'verify' | 'public', Each>>

/**
 * Takes both addresses or none. Whoever inherits the descriptors listens on the same queues as all
 * others, so that what waits in them outlives any of them. Fails with the address that could not be
 * had.
 *
 * @param doors on how many sockets /verify is to be listened for
 */
export const bindAddresses = async (
  addresses: WorkerAddresses<string>,
  doors: number,
): Promise<WorkerAddresses<BoundAddress>> => {
  // Two may bind one address while none listens (SO_REUSEADDR): listening tells.
  const tried: Server[] = []
  try {
    tried.push(await using(addresses, 'verify', listenBriefly))
    tried.push(await using(addresses, 'public', listenBriefly))
  } finally {
    await Promise.all(tried.map(close))
  }
  const verify = await using(addresses, 'verify', (place) => bind(place, doors))
  try {
    return { verify, public: await using(addresses, 'public', (place) => bind(place, 1)) }
  } catch (error) {
    verify.close()
    throw error
  }
}

type Place = { readonly host: string; readonly port: number }

const using = async <Result>(
  addresses: WorkerAddresses<string>,
  name: 'verify' | 'public',
  use: (place: Place) => Result | Promise<Result>,
): Promise<Result> => {
  const address = addresses[name]
  const colon = address.lastIndexOf(':')
  try {
    const found = await lookup(address.slice(0, colon).replace(/^\[|\]$/g, ''))
    return await use({ host: found.address, port: Number(address.slice(colon + 1)) })
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    throw new Error(`cannot listen on ${address} (listen.${name}): ${detail}`, { cause: error })
  }
}

const listenBriefly = (place: Place): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy())
    server.once('error', reject)
    server.listen(place, () => resolve(server))
  })

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
  })

/** Not imported by its name, which older releases of Node do not know: they may do without workers. */
const bind = (place: Place, sockets: number): BoundAddress => {
  const first = new net.BoundSocket({ ...place, reusePort: sockets > 1 })
  const all = [first]
  try {
    const bound = first.address()
    const shared = { ...place, port: typeof bound === 'string' ? 0 : bound.port, reusePort: true }
    while (all.length < sockets) all.push(new net.BoundSocket(shared))
  } catch (error) {
    for (const socket of all) socket.close()
    throw error
  }
  return {
    address: textOf(first.address()),
    descriptors: all.map((socket) => socket.fd()),
    close: () => {
      for (const socket of all) socket.close()
    },
  }
}

const textOf = (bound: ReturnType<net.BoundSocket['address']>): string => {
  if (typeof bound === 'string') return bound
  return bound.family === 'IPv6'
    ? `[${bound.address}]:${bound.port}`
    : `${bound.address}:${bound.port}`
}
