import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createVerifyServer, type VerifyServer } from '../../src/edge/http/verify-server.ts'

const LINES = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n'
const REQUEST = 'GET /verify HTTP/1.1\r\nX-A: 1\r\n\r\n'

type Send = (lines: string) => void
type World = {
  readonly server: VerifyServer
  /** What was asked and is not answered yet. */
  readonly asked: Send[]
  readonly open: () => Promise<Client>
}
type Client = {
  readonly socket: Socket
  readonly text: () => string
  readonly closed: Promise<void>
}

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

const expectSoon = async (isSo: () => boolean): Promise<void> => {
  for (let turns = 0; turns < 2000 && !isSo(); turns += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  expect(isSo()).toBe(true)
}

/** A server that answers at once, or when the test says. */
const start = async (isLate = false): Promise<World> => {
  const asked: Send[] = []
  const server = createVerifyServer({
    isWanted: () => true,
    answer: (_head, send) => {
      if (isLate) asked.push(send)
      else send(LINES)
    },
    refuse: () => LINES.replace('200 OK', '403 Forbidden'),
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  stops.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const open = async (): Promise<Client> => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    stops.push(() => socket.destroy())
    const closed = new Promise<void>((resolve) => {
      socket.once('end', () => resolve())
      socket.once('close', () => resolve())
    })
    await new Promise<void>((resolve) => {
      socket.once('connect', resolve)
    })
    return { socket, text: () => text, closed }
  }
  return { server, asked, open }
}

const expectOpen = async (server: VerifyServer, wanted: number): Promise<void> => {
  let count = -1
  await expectSoon(() => {
    server.getConnections((_error, open) => {
      count = open
    })
    return count === wanted
  })
}

/** Nothing more of what was written is taken. */
const expectStuck = async ({ socket }: Client): Promise<void> => {
  let left = -1
  let stuckFor = 0
  await expectSoon(() => {
    stuckFor = left === socket.writableLength ? stuckFor + 1 : 0
    left = socket.writableLength
    return stuckFor > 20 && left > 0
  })
}

const answersIn = (text: string): number => text.split('HTTP/1.1 ').length - 1

describe('a connection', () => {
  test('serves one request after the other', async () => {
    const client = await (await start()).open()
    for (let count = 1; count <= 3; count += 1) {
      client.socket.write(REQUEST)
      await expectSoon(() => answersIn(client.text()) === count)
    }
    expect(client.text()).not.toContain('close')
  })

  test('understands a head in pieces of one byte', async () => {
    const client = await (await start()).open()
    client.socket.setNoDelay(true)
    for (const character of REQUEST + REQUEST) {
      client.socket.write(character)
      await new Promise(setImmediate)
    }
    await expectSoon(() => answersIn(client.text()) === 2)
  })

  test('answers in order what was asked before the answers', async () => {
    const { asked, open } = await start(true)
    const client = await open()
    client.socket.write(REQUEST.repeat(3))
    for (let count = 1; count <= 3; count += 1) {
      await expectSoon(() => asked.length === count)
      asked.at(-1)?.(LINES)
      await expectSoon(() => answersIn(client.text()) === count)
    }
  })

  test('holds a bounded part of what a client sends ahead', async () => {
    const { asked, open } = await start(true)
    const client = await open()
    client.socket.write(REQUEST)
    await expectSoon(() => asked.length === 1)
    const flood = Buffer.alloc(8 * 1024 * 1024, REQUEST)
    client.socket.write(flood)
    await expectStuck(client)
  })

  test('does not read on from somebody who does not read', async () => {
    const { open } = await start()
    const client = await open()
    client.socket.pause()
    client.socket.write(Buffer.alloc(8 * 1024 * 1024, REQUEST))
    await expectStuck(client)
    client.socket.resume()
    await expectSoon(() => client.socket.writableLength === 0)
  })

  test('closes with the answer where the client asks for it, and for HTTP/1.0', async () => {
    const { open } = await start()
    for (const request of [
      REQUEST.replace('X-A: 1', 'Connection: close'),
      REQUEST.replace('1.1', '1.0'),
    ]) {
      const client = await open()
      client.socket.write(request)
      await client.closed
      expect(client.text()).toMatch(/^Connection: close/m)
    }
  })

  test('keeps an HTTP/1.0 connection that asks for it', async () => {
    const client = await (await start()).open()
    client.socket.write(REQUEST.replace('1.1', '1.0').replace('X-A: 1', 'Connection: keep-alive'))
    await expectSoon(() => answersIn(client.text()) === 1)
    expect(client.text()).toMatch(/^Connection: keep-alive/m)
    client.socket.write(REQUEST)
    await expectSoon(() => answersIn(client.text()) === 2)
  })

  test('answers somebody who has said that he is done asking', async () => {
    const { asked, open } = await start(true)
    const client = await open()
    client.socket.end(REQUEST)
    await expectSoon(() => asked.length === 1)
    asked[0]?.(LINES)
    await client.closed
    expect(answersIn(client.text())).toBe(1)
  })

  test('survives a client that leaves before its answer', async () => {
    const { server, asked, open } = await start(true)
    const client = await open()
    client.socket.write(REQUEST)
    await expectSoon(() => asked.length === 1)
    client.socket.resetAndDestroy()
    await expectOpen(server, 0)
    asked[0]?.(LINES)
    const other = await open()
    other.socket.write(REQUEST)
    await expectSoon(() => asked.length === 2)
  })

  test('lets the answer arrive although the client is still sending a body', async () => {
    const { open } = await start()
    const client = await open()
    client.socket.write('POST /verify HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n')
    client.socket.write(Buffer.alloc(9_000_000))
    await client.closed
    expect(answersIn(client.text())).toBe(1)
  })
})

describe('a connection that takes too long', () => {
  const sweeps = ({ server }: World, count: number): void => {
    for (let index = 0; index < count; index += 1) server.sweep()
  }

  test('is closed without a word where nothing was asked', async () => {
    const world = await start()
    const client = await world.open()
    await expectOpen(world.server, 1)
    sweeps(world, 11)
    await client.closed
    expect(client.text()).toBe('')
  })

  test('is refused where a head never ends, however often a byte comes', async () => {
    const world = await start()
    const client = await world.open()
    client.socket.write('GET /verify HTTP/1.1\r\nX-A: ')
    for (let index = 0; index < 8; index += 1) {
      client.socket.write('a')
      await new Promise(setImmediate)
    }
    await expectOpen(world.server, 1)
    await expectSoon(() => {
      world.server.sweep()
      return client.text() !== ''
    })
    await client.closed
    expect(client.text()).toMatch(/^HTTP\/1\.1 403 /)
  })

  test('is kept for 75 s without a request, and no longer', async () => {
    const world = await start()
    const client = await world.open()
    client.socket.write(REQUEST)
    await expectSoon(() => answersIn(client.text()) === 1)
    sweeps(world, 75)
    client.socket.write(REQUEST)
    await expectSoon(() => answersIn(client.text()) === 2)
    sweeps(world, 76)
    await client.closed
  })

  test('ends although its client goes on sending after the last answer', async () => {
    const world = await start()
    const client = await world.open()
    client.socket.write(`NOTHING\r\n\r\n`)
    await client.closed
    client.socket.write('x')
    sweeps(world, 3)
    await expectOpen(world.server, 0)
  })

  test('is left alone while its answer is worked out', async () => {
    const world = await start(true)
    const client = await world.open()
    client.socket.write(REQUEST)
    await expectSoon(() => world.asked.length === 1)
    sweeps(world, 500)
    world.asked[0]?.(LINES)
    await expectSoon(() => answersIn(client.text()) === 1)
  })
})

describe('a server that closes', () => {
  test('lets a request under way finish, and ends its connection then', async () => {
    const { server, asked, open } = await start(true)
    const client = await open()
    client.socket.write(REQUEST)
    await expectSoon(() => asked.length === 1)
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
    server.closeIdleConnections()
    asked[0]?.(LINES)
    await Promise.all([closed, client.closed])
    expect(client.text()).toMatch(/^Connection: close/m)
  })

  test('closes idle connections at once', async () => {
    const { server, open } = await start()
    const client = await open()
    client.socket.write(REQUEST)
    await expectSoon(() => answersIn(client.text()) === 1)
    server.closeIdleConnections()
    await client.closed
  })

  test('closes all where it is told to', async () => {
    const { server, asked, open } = await start(true)
    const client = await open()
    client.socket.write(REQUEST)
    await expectSoon(() => asked.length === 1)
    server.closeAllConnections()
    await client.closed
    expect(client.text()).toBe('')
  })
})
