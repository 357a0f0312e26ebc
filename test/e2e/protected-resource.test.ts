import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { ask, type Reply } from '../../demo/http-client.ts'
import { ingressYaml } from './support-ingress.ts'
import { type Site, startSite } from './support-world.ts'

jest.setTimeout(60_000)

const HOST = 'tools.vestibule.localhost'
const PATH = '/.well-known/oauth-protected-resource'

const policy = (issuer: string): string => `
hosts: [${HOST}]
credentials: [bearer]
protectedResource:
  authorizationServers: [${issuer}]
  scopes: [tools.read]
  name: The tools
policy:
  - allow: { and: [ { actor: workload } ] }
`

/** Leads the one path to the public listener, without asking who it is. */
const METADATA_INGRESS = `kind: Ingress
metadata:
  name: tools-metadata
  namespace: vestibule
spec:
  rules:
    - host: ${HOST}
      http:
        paths:
          - path: ${PATH}
            pathType: Exact
            backend: { service: { name: vestibule-public, port: { number: 8081 } } }
`

let site: Site | undefined

const theSite = (): Site => {
  if (site === undefined) throw new Error('the site has not started')
  return site
}

beforeAll(async () => {
  site = await startSite({
    ingresses: {
      'tools.yaml': ingressYaml('tools', 'api'),
      'tools-metadata.yaml': METADATA_INGRESS,
      'silent.yaml': ingressYaml('silent', 'api'),
      'silent-metadata.yaml': METADATA_INGRESS.replaceAll('tools', 'silent'),
    },
    policies: {
      'tools.yaml': policy('https://idp.example.com'),
      'silent.yaml':
        'hosts: [silent.vestibule.localhost]\npolicy:\n  - allow: { and: [ { actor: workload } ] }\n',
    },
  })
})
afterAll(async () => {
  await site?.stop()
})

const open = async (
  name: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> => await ask(theSite().url(name, path), { headers })

/** What the challenge says under `resource_metadata` (RFC 9728 section 5.1). */
const metadataUrlOf = ({ headers }: Reply): string | undefined =>
  /resource_metadata="([^"]*)"/.exec(String(headers['www-authenticate']))?.[1]

describe('a host that says of itself where to get a token', () => {
  test('leads a program from a 401 to its issuer, and with a token the program passes', async () => {
    const refused = await open('tools', '/v1')
    expect(refused.status).toBe(401)
    const url = metadataUrlOf(refused)
    expect(url).toBe(theSite().url('tools', PATH))
    const found = await ask(url ?? '')
    expect(found.status).toBe(200)
    expect(JSON.parse(found.body)).toEqual({
      // The client compares it with the URL that it asked (section 3.3).
      resource: theSite().url('tools', ''),
      authorization_servers: ['https://idp.example.com'],
      scopes_supported: ['tools.read'],
      resource_name: 'The tools',
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      dpop_bound_access_tokens_required: false,
      tls_client_certificate_bound_access_tokens: false,
    })
    expect(found.headers['cache-control']).toBe('public, max-age=300')
    const token = await theSite().identityProvider.workloadToken()
    expect((await open('tools', '/v1', { authorization: `Bearer ${token}` })).status).toBe(200)
  })

  test('names it beside an error, too', async () => {
    const refused = await open('tools', '/v1', { authorization: 'Bearer nonsense' })
    expect(refused.headers['www-authenticate']).toBe(
      `Bearer error="invalid_token", resource_metadata="${theSite().url('tools', PATH)}"`,
    )
  })

  test('opens nothing else: what lies beside that path is asked about', async () => {
    for (const path of [
      `${PATH}/x`,
      `${PATH}/../../v1`,
      '/.well-known/jwks.json',
      '/oauth2/start',
    ]) {
      expect([path, (await open('tools', path)).status]).toEqual([path, 401])
    }
  })
})

describe('a host that says nothing of itself', () => {
  test('has no such document, and its challenge names none', async () => {
    expect((await open('silent', PATH)).status).toBe(404)
    expect(metadataUrlOf(await open('silent', '/v1'))).toBeUndefined()
  })

  test.each(['unknown.test', '', 'tools.vestibule.localhost.evil.test', 'a b', '[::1]:80'])(
    'nor has a host %j that no policy names',
    async (host) => {
      const reply = await ask(`http://127.0.0.1:${theSite().ports.public}${PATH}`, {
        headers: { host },
      }).catch(() => undefined)
      expect([400, 404, undefined]).toContain(reply?.status)
    },
  )
})
