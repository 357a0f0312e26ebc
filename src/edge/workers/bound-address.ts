import { lookup } from 'node:dns/promises'
import { BoundSocket } from 'node:net'

/** An address that is taken, so that others can be told of it before anybody listens. */
export type BoundAddress = {
  /** Such as `127.0.0.1:8080`; the port is known even if 0 was asked for. */
  readonly address: string
  readonly descriptor: number
  readonly close: () => void
}

/**
 * Takes an address. Whoever inherits the descriptor listens on one queue with all others, so that
 * what waits in it outlives any of them. Fails with the address that could not be had.
 */
export const bindAddress = async (address: string, name: string): Promise<BoundAddress> => {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  try {
    const { address: numeric } = await lookup(host)
    const socket = new BoundSocket({ host: numeric, port: Number(address.slice(colon + 1)) })
    return {
      address: textOf(socket.address()),
      descriptor: socket.fd(),
      close: () => socket.close(),
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    throw new Error(`cannot listen on ${address} (listen.${name}): ${detail}`, { cause: error })
  }
}

const textOf = (bound: ReturnType<BoundSocket['address']>): string => {
  if (typeof bound === 'string') return bound
  return bound.family === 'IPv6'
    ? `[${bound.address}]:${bound.port}`
    : `${bound.address}:${bound.port}`
}
