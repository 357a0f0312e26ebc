import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, type ListenOptions, type Server as NetServer } from 'node:net'

export type ListenerName = 'verify' | 'public' | 'ops'

/** A server that can be drained. */
type Server = NetServer & Pick<HttpServer, 'closeIdleConnections' | 'closeAllConnections'>

/** An address, or the descriptor of one that somebody else has taken. */
export type Place = string | { readonly descriptor: number }

export type Listener = {
  readonly name: ListenerName
  readonly place: Place
  readonly handler: Server | RequestListener
}

export type Listeners = {
  /** Where it listens, such as `127.0.0.1:8080`; the port is known even if 0 was asked for. */
  readonly addressOf: (name: ListenerName) => string
  /** Stops taking connections and waits for running requests, at most so many milliseconds. */
  readonly close: (withinMs: number) => Promise<void>
}

/** Opens all listeners or none. Fails with the address that could not be had. */
export const listenAll = async (listeners: readonly Listener[]): Promise<Listeners> => {
  const servers = new Map<ListenerName, Server>()
  const close = async (withinMs: number): Promise<void> => {
    await Promise.all([...servers.values()].map((server) => closeServer(server, withinMs)))
  }
  try {
    for (const { name, place, handler } of listeners) {
      const server = serverOf(handler)
      servers.set(name, server)
      await listen(server, place, name)
    }
  } catch (error) {
    await close(0)
    throw error
  }
  return { addressOf: (name) => textOf(servers.get(name)?.address()), close }
}

const serverOf = (handler: Server | RequestListener): Server =>
  typeof handler === 'function'
    ? createServer(
        { keepAliveTimeout: 75_000, headersTimeout: 10_000, requestTimeout: 30_000 },
        handler,
      )
    : handler

/** Connections that may wait until they are taken. */
const BACKLOG = 4096

const listen = (server: Server, place: Place, name: ListenerName): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const where = typeof place === 'string' ? place : `descriptor ${place.descriptor}`
      reject(new Error(`cannot listen on ${where} (listen.${name}): ${error.message}`))
    })
    server.listen({ ...optionsOf(place), backlog: BACKLOG }, resolve)
  })

const optionsOf = (place: Place): ListenOptions & { readonly fd?: number } => {
  if (typeof place !== 'string') return { fd: place.descriptor }
  const colon = place.lastIndexOf(':')
  return {
    host: place.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(place.slice(colon + 1)),
  }
}

const textOf = (address: AddressInfo | string | null | undefined): string => {
  if (address === null || address === undefined || typeof address === 'string') return address ?? ''
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`
}

/** Node keeps a connection open whose last request was under way when the server closed. */
const SWEEP_MS = 25

const closeServer = (server: Server, withinMs: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), withinMs)
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
    server.close(() => {
      clearTimeout(timer)
      clearInterval(sweep)
      resolve()
    })
    server.closeIdleConnections()
  })
