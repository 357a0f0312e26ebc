import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export type LocalServer = { readonly port: number; readonly stop: () => Promise<void> }

const ATTEMPTS = 20

const listen = async (
  listener: RequestListener,
  host: string,
  port: number,
): Promise<Server | Error> => {
  const server = createServer({ keepAliveTimeout: 75_000 }, listener)
  server.listen(port, host)
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

const close = async (server: Server): Promise<void> => {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

const isTaken = (outcome: Server | Error): boolean =>
  outcome instanceof Error && 'code' in outcome && outcome.code === 'EADDRINUSE'

/**
 * Listens on 127.0.0.1, and on ::1 of the same port where the machine has it, because `localhost`
 * means either.
 */
export const startLocalServer = async (
  listener: RequestListener,
  port = 0,
  attempt = 1,
): Promise<LocalServer> => {
  const first = await listen(listener, '127.0.0.1', port)
  if (first instanceof Error) throw first
  const { port: actual } = first.address() as AddressInfo
  const second = await listen(listener, '::1', actual)
  if (isTaken(second)) {
    await close(first)
    if (port !== 0 || attempt === ATTEMPTS) throw new Error(`port ${actual} is taken on ::1`)
    return await startLocalServer(listener, port, attempt + 1)
  }
  const servers = second instanceof Error ? [first] : [first, second]
  return {
    port: actual,
    stop: async () => {
      await Promise.all(servers.map(close))
    },
  }
}
