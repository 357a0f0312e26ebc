import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, type Server as NetServer } from 'node:net'

export type ListenerName = 'verify' | 'public' | 'ops'

/** A server that can be drained. */
type Server = NetServer & Pick<HttpServer, 'closeIdleConnections' | 'closeAllConnections'>

export type Listeners = {
  /** Where each listens, such as `127.0.0.1:8080`; the port is known even if 0 was asked for. */
  readonly addresses: Readonly<Record<ListenerName, string>>
  /** Stops taking connections and waits for running requests, at most so many milliseconds. */
  readonly close: (withinMs: number) => Promise<void>
}

/** Opens all listeners or none. Fails with the address that could not be had. */
export const listenAll = async (
  addresses: Readonly<Record<ListenerName, string>>,
  handlers: Readonly<Record<ListenerName, Server | RequestListener>>,
): Promise<Listeners> => {
  const servers: Server[] = []
  const open = async (name: ListenerName): Promise<string> => {
    const server = serverOf(handlers[name])
    servers.push(server)
    return await listen(server, addresses[name], name)
  }
  const close = async (withinMs: number): Promise<void> => {
    await Promise.all(servers.map((server) => closeServer(server, withinMs)))
  }
  try {
    return {
      addresses: {
        verify: await open('verify'),
        public: await open('public'),
        ops: await open('ops'),
      },
      close,
    }
  } catch (error) {
    await close(0)
    throw error
  }
}

const serverOf = (handler: Server | RequestListener): Server =>
  typeof handler === 'function'
    ? createServer(
        { keepAliveTimeout: 75_000, headersTimeout: 10_000, requestTimeout: 30_000 },
        handler,
      )
    : handler

const listen = (server: Server, address: string, name: ListenerName): Promise<string> => {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  const port = Number(address.slice(colon + 1))
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new Error(`cannot listen on ${address} (listen.${name}): ${error.message}`))
    })
    server.listen({ host, port, backlog: 4096 }, () => {
      resolve(textOf(server.address()))
    })
  })
}

const textOf = (address: AddressInfo | string | null): string => {
  if (address === null || typeof address === 'string') return address ?? ''
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
