import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  jest,
  test,
} from '@jest/globals'
import { type Certificate, createCertificate } from '../../demo/certificate.ts'
import { createBoundedFetch } from '../../src/edge/outbound/bounded-fetch.ts'
import { createPrivateCaSend } from '../../src/edge/outbound/private-ca.ts'
import { createKey, encode, publicJwk, signText } from '../attacks/support-bearer.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'
import { serviceAccountToken } from './preset-tokens.ts'

jest.setTimeout(30_000)

const KEY = createKey('k8s', 'RS256')
const SUBJECT = 'system:serviceaccount:batch:nightly'
const GOOD = {
  authenticated: true,
  user: { username: SUBJECT, uid: 'u', groups: ['system:serviceaccounts'] },
  audiences: ['vestibule'],
}

type Asked = { readonly path: string; readonly authorization: string; readonly body: string }

let certificate: Certificate
let foreign: Certificate
let api: Server
let url: string
let asked: Asked[]
let review: (response: ServerResponse) => void
let vestibule: Vestibule

const status = (answer: unknown, code = 201): void => {
  review = (response) => {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status: answer }
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}

/** What a cluster's API server does of this: keys for whoever has a token, and reviews. */
const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { url: path = '', headers } = request
  const { authorization = '' } = headers
  asked.push({ path, authorization, body: await text(request) })
  if (authorization !== 'Bearer CANARY-own-token') response.writeHead(401).end()
  else if (path === '/openid/v1/jwks') {
    response
      .writeHead(200, { 'content-type': 'application/jwk-set+json' })
      .end(JSON.stringify({ keys: [publicJwk(KEY)] }))
  } else review(response)
}

beforeAll(async () => {
  certificate = createCertificate(['localhost'])
  foreign = createCertificate(['localhost'])
  api = createServer(
    { cert: certificate.certificate, key: readFileSync(certificate.keyFile) },
    (request, response) => {
      answer(request, response).catch(() => response.destroy())
    },
  )
  api.listen(0, '127.0.0.1')
  await once(api, 'listening')
  url = `https://localhost:${(api.address() as AddressInfo).port}`
})
afterAll(() => {
  api.closeAllConnections()
  api.close()
  certificate.remove()
  foreign.remove()
})

beforeEach(async () => {
  asked = []
  status(GOOD)
  vestibule = await startVestibule({
    policies: {
      'app.yaml':
        'hosts: [app.test]\npolicy: [ { allow: { and: [ { service_account: batch/nightly } ] } } ]\n',
    },
    files: { 'ca.crt': certificate.certificate, token: 'CANARY-own-token\n' },
    config: {
      tokenIssuers: [
        {
          name: 'cluster',
          preset: 'kubernetes',
          audiences: ['vestibule'],
          jwksUri: `${url}/openid/v1/jwks`,
          caFile: './ca.crt',
          bearerTokenFile: './token',
          timeout: '2s',
          tokenReview: { url: `${url}/apis/authentication.k8s.io/v1/tokenreviews` },
        },
      ],
    },
  })
  for (let tries = 0; asked.length === 0 && tries < 500; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
})
afterEach(() => vestibule.stop())

const tokenOf = (changes: Readonly<Record<string, unknown>> = {}): string => {
  const { header, claims } = serviceAccountToken()
  const input = `${encode(header)}.${encode({ ...claims, jti: crypto.randomUUID(), ...changes })}`
  return `${input}.${signText(input, KEY)}`
}

const ask = async (token: string): Promise<string> => {
  const { status: code, headers } = await askVerify(vestibule.verifyPort, {
    authorization: `Bearer ${token}`,
  })
  return `${code} ${headers.find(([name]) => name === 'x-vestibule-reason')?.[1] ?? ''}`
}

const reviews = (): readonly Asked[] => asked.filter(({ path }) => path.endsWith('tokenreviews'))

describe('T45 a cluster that is asked about each token', () => {
  test('is asked for our audience, by our own token, and once for a while', async () => {
    const token = tokenOf()
    const all = await Promise.all(Array.from({ length: 10 }, () => ask(token)))
    expect(new Set(all)).toEqual(new Set(['200 rule_matched']))
    expect(reviews()).toHaveLength(1)
    expect(JSON.parse(reviews()[0]?.body ?? '')).toEqual({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: ['vestibule'] },
    })
  })

  test.each<readonly [string, unknown]>([
    ['not authenticated', { authenticated: false }],
    ['nothing', {}],
    ['authenticated as text', { ...GOOD, authenticated: 'true' }],
    ['no audiences: good for the API server alone', { ...GOOD, audiences: [] }],
    ['audiences missing', { ...GOOD, audiences: undefined }],
    ['audiences null', { ...GOOD, audiences: null }],
    ['another audience', { ...GOOD, audiences: ['https://kubernetes.default.svc'] }],
    ['somebody else', { ...GOOD, user: { username: 'system:serviceaccount:default:x' } }],
    ['nobody', { ...GOOD, user: {} }],
    [
      'that the pod is gone',
      { error: '[invalid bearer token, service account token has been invalidated]' },
    ],
  ])('and says %s: 401', async (_what, said) => {
    status(said)
    expect(await ask(tokenOf())).toBe('401 invalid_token')
  })

  test.each<readonly [string, () => void]>([
    ['an error', () => status({ error: 'the server is currently unable to handle the request' })],
    ['an error beside a yes', () => status({ ...GOOD, error: 'partly' })],
    ['no status', () => status(undefined)],
    ['500', () => status(GOOD, 500)],
    ['403: Vestibule may not ask', () => status(GOOD, 403)],
    ['429', () => status(GOOD, 429)],
    [
      'HTML',
      () => {
        review = (response) => response.writeHead(201).end('<html>')
      },
    ],
    [
      'nothing at all',
      () => {
        review = (response) => response.destroy()
      },
    ],
    [
      'a redirect',
      () => {
        review = (response) => response.writeHead(307, { location: `${url}/other` }).end()
      },
    ],
    [
      'nothing in time',
      () => {
        review = () => undefined
      },
    ],
  ])('and answers %s: could not check', async (_what, misbehave) => {
    misbehave()
    const token = tokenOf()
    expect(await ask(token)).toBe('503 token_issuer_unreachable')
    status(GOOD)
    expect(await ask(token)).toBe('200 rule_matched')
  })

  test('is not asked about tokens that are no good anyway', async () => {
    const now = Math.floor(Date.now() / 1000)
    const bad = [
      'nonsense',
      `${tokenOf().slice(0, -4)}AAAA`,
      tokenOf({ aud: ['https://kubernetes.default.svc'] }),
      tokenOf({ iat: now - 7200, nbf: now - 7200, exp: now - 3600 }),
      tokenOf({ iss: 'https://evil.test' }),
    ]
    for (const token of bad) expect((await ask(token)).slice(0, 3)).toBe('401')
    expect(reviews()).toEqual([])
  })

  test('no token is in a line or a notice', async () => {
    const token = tokenOf()
    status({ error: `cannot say of ${token.slice(0, 20)}` })
    await ask(token)
    const lines = (await vestibule.decisions(1)).map((line) => JSON.stringify(line))
    const written = [...lines, ...vestibule.notices()].join('\n')
    for (const each of ['CANARY', token.split('.')[1] ?? '', token.split('.')[2] ?? '']) {
      expect(written.includes(each)).toBe(false)
    }
  })
})

describe('J4 a server whose certificate a private CA signed', () => {
  const ask200 = async (ca: string, address = url): Promise<number> => {
    const send = createPrivateCaSend(() => Promise.resolve(ca))
    const fetch = createBoundedFetch({ timeoutMs: 5000, observe: () => undefined, send })
    const headers = { authorization: 'Bearer CANARY-own-token' }
    return (await fetch(`${address}/openid/v1/jwks`, { headers })).status
  }

  test('is believed by that CA, and by no other', async () => {
    expect(await ask200(certificate.certificate)).toBe(200)
    await expect(ask200(foreign.certificate)).rejects.toThrow(/certificate/)
    await expect(ask200('')).rejects.toThrow('no certificate')
    await expect(fetch(`${url}/openid/v1/jwks`)).rejects.toThrow('fetch failed')
  })

  test('is not believed under another name', async () => {
    const other = url.replace('localhost', '127.0.0.1')
    await expect(ask200(certificate.certificate, other)).rejects.toThrow(/IP: 127/)
  })

  test('follows a CA that is replaced while the service runs', async () => {
    let ca = foreign.certificate
    const send = createPrivateCaSend(() => Promise.resolve(ca))
    const fetch = createBoundedFetch({ timeoutMs: 5000, observe: () => undefined, send })
    const init = { headers: { authorization: 'Bearer CANARY-own-token' } }
    await expect(fetch(`${url}/openid/v1/jwks`, init)).rejects.toThrow(/certificate/)
    ca = certificate.certificate
    const response = await fetch(`${url}/openid/v1/jwks`, init)
    expect(await response.json()).toEqual({ keys: [publicJwk(KEY)] })
  })

  test('has the same deadline and bound as any other', async () => {
    const send = createPrivateCaSend(() => Promise.resolve(certificate.certificate))
    const fetch = createBoundedFetch({ timeoutMs: 300, observe: () => undefined, send })
    const init = {
      method: 'POST',
      headers: { authorization: 'Bearer CANARY-own-token' },
      body: 'x',
    }
    review = () => undefined
    await expect(fetch(`${url}/review`, init)).rejects.toThrow(/timeout|abort/i)
    review = (response) => response.writeHead(200).end('x'.repeat(300_000))
    await expect(fetch(`${url}/review`, init)).rejects.toThrow('larger')
    review = (response) => response.writeHead(204).end()
    expect((await fetch(`${url}/review`, init)).status).toBe(204)
    review = (response) => response.writeHead(302, { location: '/openid/v1/jwks' }).end()
    expect((await fetch(`${url}/review`, init)).status).toBe(302)
  })
})
