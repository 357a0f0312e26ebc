import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { createVerifyServer, type VerifyServer } from '../../src/edge/http/verify-server.ts'
import { type Listeners, listenAll } from '../../src/service/listeners.ts'

const DOORS = 4
const CLIENTS = 48

let opened: Listeners[] = []
let clients: Socket[] = []
let answered = 0

afterEach(async () => {
  for (const client of clients) client.destroy()
  await Promise.all(opened.map((each) => each.close(0)))
  opened = []
  clients = []
  answered = 0
})

const open = async (place: string): Promise<Listeners> => (await openWith(place)).listeners

const openWith = async (
  place: string,
): Promise<{ readonly listeners: Listeners; readonly handler: VerifyServer }> => {
  const handler = createVerifyServer({
    isWanted: () => false,
    answer: (_head, send) => {
      answered += 1
      send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n')
    },
    refuse: () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n',
  })
  const listeners = await listenAll([{ name: 'verify', place, handler, doors: DOORS }])
  opened.push(listeners)
  return { listeners, handler }
}

const portOf = (listeners: Listeners): number =>
  Number(listeners.addressOf('verify').split(':').at(-1))

/** A kept connection that has had its first answer. */
const join = async (port: number): Promise<Socket> => {
  const client = connect({ port, host: '127.0.0.1' })
  client.on('error', () => undefined)
  clients.push(client)
  client.write('GET /verify HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(client, 'data')
  return client
}

test('whoever comes through any of the doors is answered by the same server', async () => {
  const port = portOf(await open('127.0.0.1:0'))
  const joined = await Promise.all(Array.from({ length: CLIENTS }, () => join(port)))
  expect(answered).toBe(CLIENTS)
  for (const client of joined) client.write('GET /verify HTTP/1.1\r\nHost: x\r\n\r\n')
  await Promise.all(joined.map((client) => once(client, 'data')))
  expect(answered).toBe(2 * CLIENTS)
})

test('who is idle is let go at all doors, and nobody new gets in', async () => {
  const listeners = await open('127.0.0.1:0')
  const port = portOf(listeners)
  const joined = await Promise.all(Array.from({ length: CLIENTS }, () => join(port)))
  const gone = Promise.all(joined.map((client) => once(client, 'close')))
  await listeners.close(60_000)
  await gone
  const late = connect({ port, host: '127.0.0.1' })
  const error = await new Promise((resolve) => late.once('error', resolve))
  expect(error).toMatchObject({ code: 'ECONNREFUSED' })
})

test('an address that somebody has is a fault, also where he would share it', async () => {
  const address = (await open('127.0.0.1:0')).addressOf('verify')
  await expect(open(address)).rejects.toThrow(
    new RegExp(`^cannot listen on ${address} \\(listen\\.verify\\): .*EADDRINUSE`),
  )
  const sharing = createServer()
  sharing.listen({ port: 0, host: '127.0.0.1', reusePort: true })
  await once(sharing, 'listening')
  const taken = sharing.address()
  const port = typeof taken === 'object' && taken !== null ? taken.port : 0
  await expect(open(`127.0.0.1:${port}`)).rejects.toThrow('EADDRINUSE')
  sharing.close()
})

test('a connection that cannot be taken concerns nobody else', async () => {
  const { handler, listeners } = await openWith('127.0.0.1:0')
  for (let each = 0; each < 3; each += 1) handler.emit('error', new Error('accept ENOBUFS'))
  await join(portOf(listeners))
  expect(answered).toBe(1)
})
