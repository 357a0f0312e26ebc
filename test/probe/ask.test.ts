import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createCertificate } from '../../demo/certificate.ts'
import { freePort } from '../../demo/free-port.ts'
import { createAsk, type Question } from '../../src/edge/probe/ask.ts'
import { type Answered } from '../../src/migrate/verify/step.ts'

const open: { readonly server: Server; readonly sockets: Set<Socket> }[] = []

afterEach(() => {
  for (const { server, sockets } of open.splice(0)) {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
})

const listening = async (server: Server): Promise<string> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  open.push({ server, sockets })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const askAt = async (
  address: string,
  changes: Partial<Question> = {},
  ca?: string,
): Promise<Answered> =>
  await createAsk({ deadlineMs: 400, ca })({
    url: 'http://app.test/x/../y?q=1',
    method: 'GET',
    headers: [],
    address,
    trustsAnybody: false,
    ...changes,
  })

describe('a question', () => {
  test('goes to the address, with the host of the URL and its path as written', async () => {
    const address = await listening(
      createHttpServer(({ url, rawHeaders }, response) => {
        response.end(JSON.stringify({ url, rawHeaders }))
      }),
    )
    const answered = await askAt(address, { headers: [['X-Request-ID', 'verify-1']] })
    expect(answered).toMatchObject({ kind: 'answer', status: 200 })
    const { url, rawHeaders } = JSON.parse(answered.kind === 'answer' ? answered.body : '') as {
      readonly url: string
      readonly rawHeaders: readonly string[]
    }
    expect([url, rawHeaders.slice(0, 4)]).toEqual([
      '/x/../y?q=1',
      ['X-Request-ID', 'verify-1', 'Host', 'app.test'],
    ])
  })

  test.each([
    ['nothing listens', async () => `127.0.0.1:${await freePort()}`, 'unreachable'],
    ['somebody accepts and says nothing', async () => await listening(createServer()), 'closed'],
    [
      'somebody accepts and hangs up',
      async () => await listening(createServer((socket) => socket.destroy())),
      'closed',
    ],
    ['the name does not exist', () => Promise.resolve('no.such.name.invalid:80'), 'unresolved'],
  ])('has an answer of its own where %s', async (_name, address, kind) => {
    expect(await askAt(await address())).toMatchObject({ kind })
  })

  test('has the status where the body does not end', async () => {
    const address = await listening(
      createHttpServer((_request, response) => {
        response.write('so far')
      }),
    )
    expect(await askAt(address)).toEqual({
      kind: 'answer',
      status: 200,
      location: undefined,
      body: 'so far',
    })
  })

  test('reads no more than the beginning of a body that is large', async () => {
    const address = await listening(
      createHttpServer((_request, response) => {
        const more = (): void => {
          while (response.write('x'.repeat(64 * 1024)));
          response.once('drain', more)
        }
        more()
      }),
    )
    const answered = await askAt(address)
    expect(answered.kind === 'answer' ? answered.body.length : 0).toBeLessThan(2 * 1024 * 1024)
  })

  test('believes no certificate but one that is trusted, and counts it as a connection', async () => {
    const made = createCertificate(['app.test'])
    try {
      const { certificate, keyFile } = made
      const address = await listening(
        createHttpsServer(
          { cert: certificate, key: readFileSync(keyFile) },
          (_request, response) => {
            response.end('in')
          },
        ),
      )
      const url = 'https://app.test/'
      expect(await askAt(address, { url })).toMatchObject({ kind: 'closed' })
      expect(await askAt(address, { url, trustsAnybody: true })).toMatchObject({ status: 200 })
      expect(await askAt(address, { url }, certificate)).toMatchObject({ status: 200 })
      expect(await askAt(address, { url: 'https://other.test/' }, certificate)).toMatchObject({
        kind: 'closed',
        detail: 'ERR_TLS_CERT_ALTNAME_INVALID',
      })
    } finally {
      made.remove()
    }
  })
})
