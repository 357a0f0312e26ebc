import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What happens to bytes on their way; `undefined` in a field: nothing unusual. */
export type Weather = {
  /** New connections are closed at once. */
  readonly refuses?: boolean
  /** Connections stay, and nothing passes. */
  readonly freezes?: boolean
  readonly delayMs?: number
  readonly bytesPerSecond?: number
  /** Only for connections whose client has said this among its first words. */
  readonly only?: string
}

export type TcpProxy = {
  readonly port: number
  readonly setWeather: (weather: Weather) => void
  /** Ends connections that are there; with `only`, those whose client has said this. */
  readonly cut: (only?: string) => void
  readonly stop: () => Promise<void>
}

type Pair = { readonly client: Socket; readonly server: Socket; said: string }

/** So much of what a client says first tells which connection it is. */
const FIRST_WORDS = 2048
const CHECK_EVERY_MS = 5

/** Stands between a client and a server on loopback, and misbehaves when told. */
export const startTcpProxy = async (target: number): Promise<TcpProxy> => {
  let weather: Weather = {}
  const pairs = new Set<Pair>()
  const meets = (pair: Pair, only = ''): boolean => pair.said.includes(only)
  const end = (pair: Pair): void => {
    pairs.delete(pair)
    pair.client.destroy()
    pair.server.destroy()
  }
  const holdUp = async (pair: Pair, length: number): Promise<void> => {
    const { delayMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY, only } = weather
    const ms = meets(pair, only) ? delayMs + (length / bytesPerSecond) * 1000 : 0
    if (ms > 0) await wait(ms)
    while (weather.freezes === true && meets(pair, weather.only) && pairs.has(pair)) {
      await wait(CHECK_EVERY_MS)
    }
  }
  const carry = async (pair: Pair, from: Socket, to: Socket): Promise<void> => {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      if (from === pair.client && pair.said.length < FIRST_WORDS) {
        pair.said += chunk.toString('latin1')
      }
      if (weather.refuses === true && meets(pair, weather.only)) break
      await holdUp(pair, chunk.length)
      to.write(chunk)
    }
  }
  const server = createServer((client) => {
    if (weather.refuses === true && weather.only === undefined) {
      client.destroy()
      return
    }
    const pair: Pair = { client, server: connect(target, '127.0.0.1'), said: '' }
    pairs.add(pair)
    for (const socket of [pair.client, pair.server]) socket.on('error', () => end(pair))
    const over = (): void => end(pair)
    carry(pair, pair.client, pair.server).then(over, over)
    carry(pair, pair.server, pair.client).then(over, over)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    setWeather: (next) => {
      weather = next
    },
    cut: (only) => {
      for (const pair of pairs) if (meets(pair, only)) end(pair)
    },
    stop: async () => {
      for (const pair of pairs) end(pair)
      server.close()
      await once(server, 'close')
    },
  }
}

const wait = async (ms: number): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
