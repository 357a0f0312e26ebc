import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

const tryPort = async (port: number): Promise<number | undefined> => {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return undefined
  }
  const { port: actual } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return actual
}

/**
 * Below the ports that systems give to outgoing connections: one of those may be taken between
 * finding it free and listening on it.
 */
const anyPort = (): number => 10_000 + Math.floor(Math.random() * 20_000)

/** The wanted port, or the next free one after it; any free port for 0. */
export const freePort = async (wanted = 0): Promise<number> => {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await tryPort(wanted === 0 ? anyPort() : wanted + tries)
    if (found !== undefined) return found
  }
  throw new Error(wanted === 0 ? 'no free port' : `no free port from ${wanted} to ${wanted + 99}`)
}

/** So many free ports, all of them different. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}
