import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, type Server as NetServer } from 'node:net'
import { closed, listenAt, type Place } from './doors.ts'

export type ListenerName = 'verify' | 'public' | 'ops'

/** A server that can be drained. */
type Server = NetServer & Pick<HttpServer, 'closeIdleConnections' | 'closeAllConnections'>

export type Listener = {
  readonly name: ListenerName
  readonly place: Place
  readonly handler: Server | RequestListener
  /** On how many sockets it listens at an address; one if absent. */
  readonly doors?: number
}

export type Listeners = {
  /** Where it listens, such as `127.0.0.1:8080`; the port is known even if 0 was asked for. */
  readonly addressOf: (name: ListenerName) => string
  /** Stops taking connections and waits for running requests, at most so many milliseconds. */
  readonly close: (withinMs: number) => Promise<void>
}

type Opened = { readonly server: Server; readonly doors: NetServer[] }

/** Opens all listeners or none. Fails with the address that could not be had. */
export const listenAll = async (listeners: readonly Listener[]): Promise<Listeners> => {
  const opened = new Map<ListenerName, Opened>()
  const close = async (withinMs: number): Promise<void> => {
    await Promise.all([...opened.values()].map((each) => closeServer(each, withinMs)))
  }
  try {
    for (const { name, place, handler, doors = 1 } of listeners) {
      const each: Opened = { server: serverOf(handler), doors: [] }
      opened.set(name, each)
      await naming(name, place, listenAt(each.server, place, doors, each.doors))
    }
  } catch (error) {
    await close(0)
    throw error
  }
  return { addressOf: (name) => textOf(opened.get(name)?.server.address()), close }
}

/** Fails with the name of the listener and where it could not listen. */
const naming = async (name: ListenerName, place: Place, work: Promise<void>): Promise<void> => {
  try {
    await work
  } catch (error) {
    const where = typeof place === 'string' ? place : `descriptors ${place.descriptors.join(', ')}`
    const detail = error instanceof Error ? error.message : String(error)
    throw new Error(`cannot listen on ${where} (listen.${name}): ${detail}`, { cause: error })
  }
}

const serverOf = (handler: Server | RequestListener): Server =>
  typeof handler === 'function'
    ? createServer(
        { keepAliveTimeout: 75_000, headersTimeout: 10_000, requestTimeout: 30_000 },
        handler,
      )
    : handler

const textOf = (address: AddressInfo | string | null | undefined): string => {
  if (address === null || address === undefined || typeof address === 'string') return address ?? ''
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`
}

/** Node keeps a connection open whose last request was under way when the server closed. */
const SWEEP_MS = 25

const closeServer = async ({ server, doors }: Opened, withinMs: number): Promise<void> => {
  const timer = setTimeout(() => server.closeAllConnections(), withinMs)
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
  const all = [server, ...doors].map(closed)
  server.closeIdleConnections()
  await Promise.all(all)
  clearTimeout(timer)
  clearInterval(sweep)
}
