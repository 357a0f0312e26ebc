import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import {
  createKey,
  encode,
  publicJwk,
  type SigningKey,
  signText,
} from '../attacks/support-bearer.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'
import {
  entraToken,
  githubToken,
  gitlabToken,
  googleToken,
  type RealToken,
  serviceAccountToken,
  svid,
  TENANT,
} from './preset-tokens.ts'

jest.setTimeout(30_000)

const EXAMPLES = resolve(import.meta.dirname, '../../policies')
const NAMES = ['entra', 'github-actions', 'gitlab-ci', 'google', 'kubernetes', 'spiffe']

const KEYS = new Map<string, SigningKey>(
  ['k8s', 'github', 'gitlab', 'google', 'entra'].map((kid) => [kid, createKey(kid, 'RS256')]),
).set('svid', createKey('svid', 'ES256'))

const keyOf = (kid: string): SigningKey => KEYS.get(kid) ?? createKey(kid, 'ES256')
const jwksOf = (kid: string): string => JSON.stringify({ keys: [publicJwk(keyOf(kid))] })

/** A trust bundle as SPIRE writes it, X.509 authorities included. */
const BUNDLE = JSON.stringify({
  keys: [
    { use: 'x509-svid', kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', x5c: ['MIIB'] },
    { ...publicJwk(keyOf('svid')), use: 'jwt-svid', alg: undefined },
    { ...publicJwk(createKey('no-svid', 'ES256')), use: undefined },
  ],
  spiffe_sequence: 3,
  spiffe_refresh_hint: 300,
})

let vestibule: Vestibule

beforeAll(async () => {
  vestibule = await startVestibule({
    policies: Object.fromEntries(
      NAMES.map((name) => [`${name}.yaml`, readFileSync(join(EXAMPLES, `${name}.yaml`), 'utf8')]),
    ),
    files: {
      'k8s.json': jwksOf('k8s'),
      'github.json': jwksOf('github'),
      'gitlab.json': jwksOf('gitlab'),
      'google.json': jwksOf('google'),
      'entra.json': jwksOf('entra'),
      'bundle.json': BUNDLE,
    },
    config: {
      tokenIssuers: [
        { name: 'cluster', preset: 'kubernetes', audiences: ['vestibule'], jwksFile: './k8s.json' },
        {
          name: 'github',
          preset: 'github-actions',
          audiences: ['vestibule'],
          jwksFile: './github.json',
        },
        {
          name: 'gitlab',
          preset: 'gitlab-ci',
          audiences: ['vestibule'],
          jwksFile: './gitlab.json',
        },
        {
          name: 'google',
          preset: 'google',
          audiences: ['https://reports.example.com'],
          jwksFile: './google.json',
        },
        {
          name: 'entra',
          preset: 'entra',
          tenant: TENANT,
          audiences: ['66666666-7777-8888-9999-000000000000'],
          jwksFile: './entra.json',
        },
        {
          name: 'mesh',
          preset: 'spiffe',
          trustDomain: 'prod.example.com',
          audiences: ['vestibule'],
          jwksFile: './bundle.json',
        },
      ],
    },
  })
})
afterAll(() => vestibule.stop())

type Members = Readonly<Record<string, unknown>>

/** Signs it by the key that its header names, after changes; what is undefined is left out. */
const signed = ({ header, claims }: RealToken, changes: Members = {}, heading: Members = {}) => {
  const head = { ...header, ...heading }
  const input = `${encode(head)}.${encode({ ...claims, ...changes })}`
  return `${input}.${signText(input, keyOf(String(head['kid'])))}`
}

type Request = readonly [method: string, host: string, path: string]
type Answer = readonly [status: number, reason: string, user: string, actor: string]

const ask = async (token: string, [method, host, path]: Request): Promise<Answer> => {
  const { status, headers } = await askVerify(vestibule.verifyPort, {
    method,
    host,
    url: `https://${host}${path}`,
    authorization: `Bearer ${token}`,
  })
  const of = (name: string): string => headers.find(([each]) => each === name)?.[1] ?? ''
  return [status, of('x-vestibule-reason'), of('x-auth-request-user'), of('x-auth-request-actor')]
}

const REFUSED: Answer = [401, 'invalid_token', '', '']
const DENIED: Answer = [403, 'no_rule_matched', '', '']
const allowed = (user: string, actor = 'workload'): Answer => [200, 'rule_matched', user, actor]

describe('kubernetes', () => {
  const push: Request = ['PUT', 'pushgateway.example.com', '/metrics/job/nightly']
  const io = (changes: Members): Members => ({
    'kubernetes.io': { ...(serviceAccountToken().claims['kubernetes.io'] as Members), ...changes },
  })

  test('a projected token says which account it is of', async () => {
    expect(await ask(signed(serviceAccountToken()), push)).toEqual(
      allowed('cluster/system:serviceaccount:batch:nightly'),
    )
  })

  test.each<readonly [string, Members, Answer]>([
    ['T45 of a Secret: no exp, no aud', { exp: undefined, aud: undefined }, REFUSED],
    ['T45 for the API server', { aud: ['https://kubernetes.default.svc'] }, REFUSED],
    ['without kubernetes.io', { 'kubernetes.io': undefined }, REFUSED],
    ['with kubernetes.io as text', { 'kubernetes.io': 'batch' }, REFUSED],
    ['of another account', { sub: 'system:serviceaccount:default:nightly' }, DENIED],
    ['whose places disagree', io({ namespace: 'kube-system' }), DENIED],
    ['of another cluster', { iss: 'https://kubernetes.default.svc' }, REFUSED],
    ['of a year', { exp: (serviceAccountToken().claims['iat'] as number) + 31_536_000 }, REFUSED],
  ])('a token %s', async (_what, changes, answer) => {
    expect(await ask(signed(serviceAccountToken(), changes), push)).toEqual(answer)
  })
})

describe('github-actions', () => {
  const deploy: Request = ['POST', 'deploy.example.com', '/production/shop']

  test('a job of the main branch deploys', async () => {
    expect(await ask(signed(githubToken()), deploy)).toEqual(
      allowed('github/repo:example/shop:environment:production'),
    )
  })

  test.each<readonly [string, Members, Answer]>([
    ['for the owner, as by default', { aud: 'https://github.com/example' }, REFUSED],
    ['of another repository of the same name', { repository_id: '9009' }, DENIED],
    ['of another branch', { ref: 'refs/heads/try', environment: undefined }, DENIED],
    ['of a look-alike branch', { ref: 'refs/heads/main2' }, DENIED],
    ['of a pull request', { ref: 'refs/pull/7/merge', event_name: 'pull_request' }, DENIED],
    ['without ids', { repository_id: undefined }, REFUSED],
    ['with an id that is empty', { repository_owner_id: '' }, REFUSED],
    ['of an enterprise', { iss: 'https://token.actions.githubusercontent.com/acme' }, REFUSED],
  ])('a token %s', async (_what, changes, answer) => {
    expect(await ask(signed(githubToken(), changes), deploy)).toEqual(answer)
  })
})

describe('gitlab-ci', () => {
  const publish: Request = ['PUT', 'packages.example.com', '/lib/1.2.0']

  test('a job of a protected tag publishes', async () => {
    expect(await ask(signed(gitlabToken()), publish)).toEqual(
      allowed('gitlab/project_path:example/lib:ref_type:tag:ref:v1.2.0'),
    )
  })

  test.each<readonly [string, Members, Answer]>([
    ['of a tag that is not protected', { ref_protected: 'false' }, DENIED],
    ['of a fork', { project_id: '6666', namespace_id: '13' }, DENIED],
    ['of a person who signed in', { project_id: undefined, job_id: undefined }, REFUSED],
    ['with a nonce', { nonce: 'n' }, REFUSED],
    ['for somebody else', { aud: 'https://vault.example.com' }, REFUSED],
  ])('a token %s', async (_what, changes, answer) => {
    expect(await ask(signed(gitlabToken(), changes), publish)).toEqual(answer)
  })
})

describe('spiffe', () => {
  const charge: Request = ['POST', 'payments.example.com', '/v1/charges']
  const checkout = allowed('mesh/spiffe://prod.example.com/ns/shop/sa/checkout')

  test.each<readonly [string, Members, Members, Answer]>([
    ['as SPIRE makes it', {}, {}, checkout],
    ['without typ', {}, { typ: undefined }, checkout],
    ['of type JOSE', {}, { typ: 'JOSE' }, checkout],
    ['of type at+jwt', {}, { typ: 'at+jwt' }, REFUSED],
    ['with an issuer of its own', { iss: 'https://spire.example.com' }, {}, checkout],
    ['without iat', { iat: undefined }, {}, checkout],
    ['without exp', { exp: undefined }, {}, REFUSED],
    ['for somebody else', { aud: ['other'] }, {}, REFUSED],
    ['for nobody', { aud: undefined }, {}, REFUSED],
    ['of another domain', { sub: 'spiffe://evil.example.com/ns/shop/sa/checkout' }, {}, REFUSED],
    ['of a domain below', { sub: 'spiffe://x.prod.example.com/ns/shop' }, {}, REFUSED],
    ['of the domain itself', { sub: 'spiffe://prod.example.com' }, {}, REFUSED],
    ['with a slash behind', { sub: 'spiffe://prod.example.com/ns/' }, {}, REFUSED],
    ['with two slashes', { sub: 'spiffe://prod.example.com//ns' }, {}, REFUSED],
    ['with dots', { sub: 'spiffe://prod.example.com/ns/../sa' }, {}, REFUSED],
    ['with an escape', { sub: 'spiffe://prod.example.com/ns%2fsa' }, {}, REFUSED],
    ['with a query', { sub: 'spiffe://prod.example.com/ns?x' }, {}, REFUSED],
    ['with a port', { sub: 'spiffe://prod.example.com:443/ns' }, {}, REFUSED],
    ['in upper case', { sub: 'SPIFFE://prod.example.com/ns' }, {}, REFUSED],
    ['by a key that signs no SVIDs', {}, { kid: 'no-svid' }, REFUSED],
  ])('a token %s', async (_what, changes, heading, answer) => {
    expect(await ask(signed(svid(), changes, heading), charge)).toEqual(answer)
  })

  test('an ID of the domain counts from its bundle alone, whoever else vouches for it', async () => {
    const sub = 'spiffe://prod.example.com/ns/shop/sa/checkout'
    expect(await ask(signed(githubToken(), { sub }), charge)).toEqual(REFUSED)
    const odd = 'spiffe://prod.example.com/'
    expect(await ask(signed(githubToken(), { sub: odd }), charge)).toEqual(REFUSED)
    // Nor as one that acts for somebody whom the issuer may name.
    expect(await ask(signed(githubToken(), { act: { sub } }), charge)).toEqual(REFUSED)
    expect(await ask(signed(svid(), { act: { sub } }), charge)).toEqual(checkout.with(3, 'agent'))
  })
})

describe('google', () => {
  const write: Request = ['PUT', 'reports.example.com', '/2030/01']
  const read: Request = ['GET', 'reports.example.com', '/2030/01']
  const ada = { email: 'ada@example.com', sub: '1000', azp: '32555940559.apps', hd: 'example.com' }

  test('a service account is a workload, a person is a human', async () => {
    expect(await ask(signed(googleToken()), write)).toEqual(allowed('google/112233445566778899001'))
    const person = signed(googleToken(), { ...ada, at_hash: 'x' })
    expect(await ask(person, read)).toEqual(allowed('google/1000', 'human'))
  })

  test.each<readonly [string, Members, Answer]>([
    ['of an address that is not verified', { email_verified: false }, DENIED],
    ['of another project', { email: 'exporter@intruder.iam.gserviceaccount.com' }, DENIED],
    ['for another service', { aud: 'https://other.example.com' }, REFUSED],
    ['of the older issuer', { iss: 'accounts.google.com' }, REFUSED],
    ['without azp', { azp: undefined }, REFUSED],
    ['that leaves its address out', { email: undefined, email_verified: undefined }, DENIED],
  ])('a token %s', async (_what, changes, answer) => {
    expect(await ask(signed(googleToken(), changes), write)).toEqual(answer)
  })
})

describe('entra', () => {
  const write: Request = ['POST', 'orders.example.com', '/orders']
  const read: Request = ['GET', 'orders.example.com', '/orders']
  const ada = {
    oid: 'bbbbbbbb-0000-0000-0000-000000000002',
    sub: 'pairwise-AAAA',
    name: 'Ada',
    preferred_username: 'ada@example.com',
    scp: 'Orders.Access',
    roles: ['Orders.Read'],
  }

  test('an application is a workload, a person is a human, both by their oid', async () => {
    const oid = 'entra/aaaaaaaa-0000-0000-0000-000000000001'
    expect(await ask(signed(entraToken()), write)).toEqual(allowed(oid))
    const person = 'entra/bbbbbbbb-0000-0000-0000-000000000002'
    expect(await ask(signed(entraToken(), ada), read)).toEqual(allowed(person, 'human'))
  })

  test.each<readonly [string, Members, Answer]>([
    [
      'of another tenant',
      { iss: `https://login.microsoftonline.com/${TENANT.replace('1', '2')}/v2.0` },
      REFUSED,
    ],
    ['of all tenants', { iss: 'https://login.microsoftonline.com/common/v2.0' }, REFUSED],
    ['of version 1', { iss: `https://sts.windows.net/${TENANT}/` }, REFUSED],
    ['for Microsoft Graph', { aud: '00000003-0000-0000-c000-000000000000' }, REFUSED],
    ['without oid', { oid: undefined }, REFUSED],
    ['without tid', { tid: undefined }, REFUSED],
    ['without the role', { roles: ['Orders.Read'] }, DENIED],
    ['of a person with the role of a program', { ...ada, roles: ['Orders.Import'] }, DENIED],
    [
      'of a program that claims a scope',
      { scp: 'x', idtyp: 'app' },
      allowed('entra/aaaaaaaa-0000-0000-0000-000000000001'),
    ],
    ['that is an ID token', { nonce: 'n' }, REFUSED],
  ])('a token %s', async (_what, changes, answer) => {
    expect(await ask(signed(entraToken(), changes), write)).toEqual(answer)
  })
})
