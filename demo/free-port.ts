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

/** The wanted port, or the next free one after it; any free port for 0. */
export const freePort = async (wanted = 0): Promise<number> => {
  for (let port = wanted; port < wanted + 100; port += 1) {
    const found = await tryPort(wanted === 0 ? 0 : port)
    if (found !== undefined) return found
  }
  throw new Error(`no free port from ${wanted} to ${wanted + 99}`)
}
