import { createServer, type IncomingMessage } from 'node:http'
import { duplexPair } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createHeadReader, type RequestHead } from '../../src/edge/http/request-head.ts'

const readAll = createHeadReader(() => true)

const read = (text: string): RequestHead | undefined => readAll(Buffer.from(text, 'latin1'))

/** Mostly what is sent, with what others disagree about in between. */
const part = fc.constantFrom(
  'X-A: 1\r\n',
  'X-A:1\r\n',
  'x-b: \t two words \t\r\n',
  'X-C:\r\n',
  'X-D: \xe9\xff\r\n',
  'Cookie: a=b; c="d"\r\n',
  'Connection: close\r\n',
  'connection: Keep-Alive\r\n',
  'Connection: upgrade , CLOSE\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 05\r\n',
  'Content-Length: 5, 5\r\n',
  'Content-Length: 0x5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding: xchunked\r\n',
  'X-E : 1\r\n',
  ' folded\r\n',
  'X-F: a\rb\r\n',
  'X-G: a\n',
  'X-H: \0\r\n',
  'X-I\r\n',
  ': none\r\n',
  'Upgrade: h2c\r\n',
  '\r\n',
)
const method = fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'M-SEARCH', 'get', 'BREW', 'G\tET')
const target = fc.constantFrom('/', '/verify?host=a', '*', 'http://a/verify', '/\xe9', '/a b', '')
const version = fc.constantFrom('1.1', '1.1', '1.0', '1.2', '2.0', '11')
const head = fc
  .tuple(method, target, version, fc.array(part, { maxLength: 6 }))
  .map(([name, where, which, parts]) => `${name} ${where} HTTP/${which}\r\n${parts.join('')}\r\n`)

describe('heads of requests', () => {
  const server = createServer({ requireHostHeader: false })
  let seen: IncomingMessage | undefined

  beforeAll(() => {
    server.on('request', (request, response) => {
      seen = request
      response.writeHead(200, { 'Content-Length': 0 }).end()
    })
  })
  afterAll(() => {
    server.close()
  })

  /** What `node:http` makes of it: the request, and whether it would take another. */
  const askNode = async (text: string): Promise<string | undefined> => {
    const [client, ours] = duplexPair()
    seen = undefined
    server.emit('connection', ours)
    let answer = ''
    client.on('error', () => undefined)
    client.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
    })
    client.write(Buffer.from(text, 'latin1'))
    for (let turns = 0; turns < 50 && !answer.includes('\r\n\r\n'); turns += 1) {
      await new Promise(setImmediate)
    }
    client.destroy()
    ours.destroy()
    return seen === undefined ? undefined : answer
  }

  test('all that is accepted, node:http reads the same way', async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(head, async (text) => {
        const ours = read(text)
        if (ours === undefined) return
        accepted += 1
        const answer = await askNode(text)
        expect(answer).toBeDefined()
        expect([ours.target, ours.headers]).toEqual([seen?.url, seen?.rawHeaders])
        if (ours.isPersistent) expect(answer).toMatch(/^Connection: keep-alive/m)
        const { 'content-length': length = '0', 'transfer-encoding': coding } = seen?.headers ?? {}
        expect(ours.hasBody).toBe(length !== '0' || coding !== undefined)
      }),
      { seed: 11, numRuns: 4000 },
    )
    expect(accepted).toBeGreaterThan(200)
  })

  test('only the wanted headers are read, in all their spellings', () => {
    const reader = createHeadReader((name) => name.toLowerCase() === 'x-b')
    const bytes = Buffer.from(
      'GET / HTTP/1.1\r\nX-A: 1\r\nx-b: 2\r\nX-B: 3\r\nConnection: close\r\n\r\n',
    )
    expect(reader(bytes)).toEqual({
      target: '/',
      headers: ['x-b', '2', 'X-B', '3'],
      isPersistent: false,
      hasBody: false,
    })
  })

  test('a flood of names leaves the usual ones as they were', () => {
    for (let index = 0; index < 5000; index += 1) {
      expect(read(`GET / HTTP/1.1\r\nX-${index}: 1\r\n\r\n`)?.headers).toEqual([`X-${index}`, '1'])
    }
    expect(read('GET / HTTP/1.1\r\nCookie: a\r\n\r\n')?.headers).toEqual(['Cookie', 'a'])
  })
})
