import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { faultText } from '../../src/core/fault.ts'
import { readConfig } from '../../src/edge/config/config.ts'
import { tokenFileFaults } from '../../src/service/token-files.ts'
import { expectRead, expectRefused, readCase, withLine } from '../attacks/support-configuration.ts'
import { writeFiles } from '../support/files.ts'

type Entry = Readonly<Record<string, unknown>>

const withIssuers = (...entries: readonly Entry[]): string =>
  withLine(stringify({ tokenIssuers: entries }, { aliasDuplicateObjects: false }))

const first = async (entry: Entry) =>
  (await expectRead(withIssuers({ name: 'a', audiences: ['vestibule'], ...entry }))).tokenIssuers[0]

const TENANT = '11111111-2222-3333-4444-555555555555'

describe('a preset of a token issuer', () => {
  test.each<readonly [string, Entry, Entry]>([
    [
      'github-actions',
      {},
      { issuer: 'https://token.actions.githubusercontent.com', jwksUri: undefined },
    ],
    [
      'gitlab-ci',
      { issuer: 'https://gitlab.example.com' },
      { issuer: 'https://gitlab.example.com', jwksUri: undefined },
    ],
    [
      'kubernetes',
      {},
      {
        issuer: 'https://kubernetes.default.svc.cluster.local',
        jwksUri: 'https://kubernetes.default.svc/openid/v1/jwks',
        caFile: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
        bearerTokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
      },
    ],
    [
      'kubernetes',
      { issuer: 'https://oidc.eks.example.com/id/1' },
      {
        issuer: 'https://oidc.eks.example.com/id/1',
        jwksUri: 'https://kubernetes.default.svc/openid/v1/jwks',
      },
    ],
    [
      'kubernetes',
      { jwksUri: 'https://other.example.com/openid/v1/jwks' },
      { caFile: undefined, bearerTokenFile: undefined },
    ],
    [
      'spiffe',
      { trustDomain: 'prod.example.com', jwksUri: 'https://spire.example.com/bundle' },
      { issuer: 'spiffe://prod.example.com', requiresIssuedAt: false },
    ],
    [
      'google',
      {},
      {
        issuer: 'https://accounts.google.com',
        jwksUri: 'https://www.googleapis.com/oauth2/v3/certs',
        acceptIdTokens: true,
      },
    ],
    [
      'entra',
      { tenant: TENANT },
      {
        issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`,
        jwksUri: `https://login.microsoftonline.com/${TENANT}/discovery/v2.0/keys`,
      },
    ],
  ])('%s with %j', async (preset, entry, expected) => {
    expect(await first({ preset, ...entry })).toMatchObject(expected)
  })

  test('gives way to what is written', async () => {
    const found = await first({
      preset: 'entra',
      tenant: TENANT,
      claims: { subject: 'sub', groups: 'groups' },
      algorithms: ['PS256'],
      actor: 'agent',
    })
    expect(found).toMatchObject({
      claims: { subject: 'sub', groups: 'groups', email: 'email' },
      algorithms: ['PS256'],
    })
    expect(found?.actorOf({ scp: 'x' })).toBe('agent')
  })
})

describe('an entry of tokenIssuers that makes no sense', () => {
  const good = { name: 'a', audiences: ['vestibule'], issuer: 'https://a.example.com' }
  const asked = { clientId: 'me', clientSecretFile: './secret' }

  test.each<readonly [string, readonly Entry[], RegExp]>([
    ['without issuer', [{ ...good, issuer: undefined }], /tokenIssuers\[0\]\.issuer: is missing/],
    ['of an unknown preset', [{ ...good, preset: 'github' }], /preset: is no preset.*gitlab-ci/],
    ['without audiences', [{ ...good, audiences: [] }], /audiences: is empty/],
    [
      'spiffe without domain',
      [{ name: 'a', audiences: ['v'], preset: 'spiffe' }],
      /trustDomain: is missing/,
    ],
    [
      'spiffe without bundle',
      [{ name: 'a', audiences: ['v'], preset: 'spiffe', trustDomain: 'a.test' }],
      /jwksFile: is missing/,
    ],
    [
      'spiffe with a URL for a domain',
      [{ name: 'a', audiences: ['v'], preset: 'spiffe', trustDomain: 'spiffe://a.test' }],
      /trustDomain: is no trust domain/,
    ],
    [
      'spiffe with an issuer',
      [{ ...good, preset: 'spiffe', trustDomain: 'a.test', jwksFile: './b' }],
      /issuer: has no meaning for JWT-SVIDs/,
    ],
    [
      'entra without tenant',
      [{ name: 'a', audiences: ['v'], preset: 'entra' }],
      /tenant: is missing/,
    ],
    [
      'a tenant elsewhere',
      [{ ...good, tenant: TENANT }],
      /tenant: has no meaning without preset: entra/,
    ],
    ['a domain elsewhere', [{ ...good, trustDomain: 'a.test' }], /trustDomain: has no meaning/],
    ['a review elsewhere', [{ ...good, tokenReview: {} }], /tokenReview: has no meaning/],
    [
      'kubernetes for its own API server',
      [{ name: 'a', audiences: ['https://kubernetes.default.svc'], preset: 'kubernetes' }],
      /audiences: names the API server itself/,
    ],
    [
      'kubernetes elsewhere, reviewed by nobody',
      [{ ...good, preset: 'kubernetes', jwksUri: 'https://k.test/jwks', tokenReview: {} }],
      /bearerTokenFile: is missing/,
    ],
    [
      'keys in two places',
      [{ ...good, jwksUri: 'https://a.example.com/jwks', jwksFile: './keys' }],
      /jwksFile: stands beside jwksUri/,
    ],
    [
      'a token for discovery',
      [{ ...good, bearerTokenFile: './t' }],
      /bearerTokenFile: is shown to no/,
    ],
    [
      'keys beside introspection',
      [{ ...good, jwksUri: 'https://a.example.com/jwks', introspection: asked }],
      /jwksUri: has no meaning beside introspection/,
    ],
    [
      'introspection without a secret',
      [{ ...good, introspection: { clientId: 'me' } }],
      /introspection\.clientSecretFile: is missing\. client_secret_basic needs it/,
    ],
    [
      'introspection without a key',
      [{ ...good, introspection: { ...asked, authentication: 'private_key_jwt' } }],
      /introspection\.clientKeyFile: is missing/,
    ],
    [
      'a secret in the file',
      [{ ...good, introspection: { clientId: 'me', clientSecret: 'CANARY' } }],
      /introspection\.clientSecret: a secret must not stand in the file.*clientSecretFile/,
    ],
    [
      'a secret that is not there',
      [{ ...good, introspection: { clientId: 'me', clientSecretFile: './nothing' } }],
      /clientSecretFile: .*does not exist/,
    ],
    [
      'one name twice',
      [good, { ...good, issuer: 'https://b.example.com' }],
      /\[1\]\.name: a stands twice/,
    ],
    ['one issuer twice', [good, { ...good, name: 'b' }], /\[1\]\.issuer: .* stands twice/],
    [
      'one issuer by preset and by name',
      [
        { name: 'a', audiences: ['v'], preset: 'github-actions' },
        { ...good, name: 'b', issuer: 'https://token.actions.githubusercontent.com' },
      ],
      /\[1\]\.issuer: .* stands twice/,
    ],
    [
      'opaque tokens of two issuers that nobody can tell apart',
      [
        { ...good, introspection: { ...asked, tokenPrefix: 'a_' } },
        { ...good, name: 'b', issuer: 'https://b.example.com', introspection: asked },
      ],
      /\[1\]\.introspection\.tokenPrefix: does not tell its tokens from those of another issuer/,
    ],
    [
      'the name of our own tokens',
      [{ ...good, name: 'token' }],
      /name: names the tokens that Vestibule makes/,
    ],
    [
      'opaque tokens that begin as our own do',
      [{ ...good, introspection: { ...asked, tokenPrefix: 'vst_a' } }],
      /introspection: has a tokenPrefix with which tokens of Vestibule begin/,
    ],
    ['a typo', [{ ...good, introspecton: {} }], /introspecton: is not a known key.*introspection/],
    ['HMAC', [{ ...good, algorithms: ['HS256'] }], /algorithms\[0\]/],
    ['none', [{ ...good, algorithms: ['none'] }], /algorithms\[0\]/],
  ])('%s', async (_what, entries, problem) => {
    await expectRefused(
      { text: withIssuers(...entries), files: { secret: 'a secret of tests' } },
      problem,
    )
  })

  test('a secret from the environment is a secret', async () => {
    const { config } = await readCase({
      text: withIssuers({ ...good, introspection: { clientId: 'me' } }),
      environment: { VESTIBULE_TOKEN_ISSUERS_0_INTROSPECTION_CLIENT_SECRET: 'CANARY' },
    })
    const secret = config?.tokenIssuers[0]?.introspection?.secret
    expect([secret?.reveal(), JSON.stringify(config).includes('CANARY')]).toEqual(['CANARY', false])
  })
})

describe('files that an entry names', () => {
  const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }

  const problemsWith = async (entry: Entry, files: Readonly<Record<string, string>>) => {
    const good = { name: 'a', audiences: ['vestibule'], issuer: 'https://a.example.com' }
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-config-'))
    try {
      await writeFiles(folder, { 'vestibule.yaml': withIssuers({ ...good, ...entry }), ...files })
      const read = await readConfig(join(folder, 'vestibule.yaml'), {})
      if (!read.ok) throw new Error(read.failure.map(faultText).join('\n'))
      return (await tokenFileFaults(read.value)).map(faultText).join('\n')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  test.each<readonly [string, Entry, Readonly<Record<string, string>>, RegExp]>([
    ['no file', { jwksFile: './keys' }, {}, /tokenIssuers\[0\]\.jwksFile: does not exist/],
    ['no JSON', { jwksFile: './keys' }, { keys: 'x' }, /jwksFile: is no JWK Set/],
    ['no keys', { jwksFile: './keys' }, { keys: '{"keys":[]}' }, /jwksFile: holds no public key/],
    [
      'private keys',
      { jwksFile: './keys' },
      { keys: JSON.stringify({ keys: [{ ...key, d: 'AAAA' }] }) },
      /jwksFile: holds no public key/,
    ],
    ['no certificate', { caFile: './ca' }, { ca: 'x' }, /caFile: holds no PEM certificate/],
    [
      'no private key',
      {
        introspection: {
          clientId: 'me',
          authentication: 'private_key_jwt',
          clientKeyFile: './key',
        },
      },
      { key: JSON.stringify({ keys: [key] }) },
      /introspection\.clientKeyFile: is no JWK Set of private keys/,
    ],
    ['good keys', { jwksFile: './keys' }, { keys: JSON.stringify({ keys: [key] }) }, /^$/],
  ])('%s', async (_what, entry, files, problem) => {
    expect(await problemsWith(entry, files)).toMatch(problem)
  })
})

describe('the guide to bearer tokens', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/bearer-tokens.md'), 'utf8')
  const examples = [...guide.matchAll(/```yaml\n(?:# \S+\n)?(tokenIssuers:[\s\S]*?)```/g)].map(
    ([, text = '']) => text,
  )

  test('has an example for each kind of issuer', () => {
    expect(examples).toHaveLength(4)
  })

  test.each(examples)('shows what is accepted: %s', async (text) => {
    const { faults } = await readCase({ text: withLine(text) })
    expect(faults.filter((fault) => !fault.includes('does not exist'))).toEqual([])
  })
})
