import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { prepare } from '../../src/commands/service-input.ts'
import { faultText } from '../../src/core/fault.ts'
import { secret } from '../../src/core/secret.ts'
import { askPublic } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule, type VestibuleSettings } from '../support/vestibule.ts'
import { begin, expectSignedIn, POLICIES, startAgainst } from './support-callback.ts'
import { expectRead, expectRefused, GOOD_CONFIG, readCase } from './support-configuration.ts'
import { isReady, newKey, openStore, until } from './support-replicas.ts'
import { type ScriptedProvider, startScriptedProvider } from './support-scripted-provider.ts'

const CANARY = 'CANARY-0123456789'

const withKey = (section: string, line: string): string =>
  section === 'identityProvider'
    ? GOOD_CONFIG.replace('  clientId', `  ${line}\n  clientId`)
    : `${GOOD_CONFIG}${section}: { ${line} }\n`

const SECRETS = [
  ['identityProvider', 'clientSecret'],
  ['session', 'keys'],
  ['assertion', 'keys'],
] as const

describe('P19 secrets in files of their own', () => {
  test.each(SECRETS)('%s.%s must not stand in the file, and is not shown', async (section, key) => {
    await expectRefused(
      withKey(section, `${key}: ${CANARY}`),
      new RegExp(`${section}\\.${key}: a secret must not stand in the file\\. Use ${key}File`),
    )
  })

  test.each([
    ['gone', {}, 'gone', /gone does not exist/],
    ['a folder', { 'x/y': CANARY }, 'x', /x is not a regular file/],
    ['a device', {}, '/dev/zero', /not a regular file/],
    ['empty', { x: '' }, 'x', /x is empty/],
    ['a newline', { x: '\n' }, 'x', /x is empty/],
    ['blanks', { x: '  \n\n ' }, 'x', /x is empty/],
    ['changeme', { x: 'changeme\n' }, 'x', /x holds a placeholder/],
    ['CHANGE-ME', { x: 'CHANGE-ME' }, 'x', /x holds a placeholder/],
    ['<secret>', { x: '<client secret>' }, 'x', /x holds a placeholder/],
    ['xxxx', { x: 'xxxx' }, 'x', /x holds a placeholder/],
    ['300 KB', { x: CANARY.repeat(20_000) }, 'x', /x is larger than/],
    ['with a NUL in its name', {}, '"a\\0b"', /./],
  ])('a client secret that is %s is refused', async (_what, files, name, problem) => {
    const text = withKey('identityProvider', `clientSecretFile: ${name}`)
    await expectRefused({ text, files }, problem)
  })

  test.each([
    ['s3cr3t', 's3cr3t'],
    ['s3cr3t\n', 's3cr3t'],
    ['s3cr3t\r\n', 's3cr3t'],
    ['s3cr3t\n\n', 's3cr3t\n'],
    [' s3 cr3t ', ' s3 cr3t '],
    ['pä:/?#[]@% ✓', 'pä:/?#[]@% ✓'],
  ])('the client secret %j is read as %j', async (written, read) => {
    const text = withKey('identityProvider', 'clientSecretFile: x')
    const { identityProvider } = await expectRead({ text, files: { x: written } })
    expect(identityProvider.secret?.reveal()).toBe(read)
  })

  test('no secret can be printed, whether it came from a file or from the environment', async () => {
    const fromFiles = await expectRead({
      text: withKey('identityProvider', 'clientSecretFile: x'),
      files: { x: CANARY },
    })
    const fromEnvironment = await expectRead({
      text: GOOD_CONFIG,
      environment: {
        VESTIBULE_IDENTITY_PROVIDER_CLIENT_SECRET: CANARY,
        VESTIBULE_SESSION_KEYS: CANARY,
        VESTIBULE_ASSERTION_KEYS: CANARY,
      },
    })
    for (const config of [fromFiles, fromEnvironment]) {
      expect(config.identityProvider.secret?.reveal()).toBe(CANARY)
      expect(JSON.stringify(config)).not.toContain('CANARY')
      expect(inspect(config, { depth: 10, showHidden: true })).not.toContain('CANARY')
      expect(String(config.identityProvider.secret)).toBe('[secret]')
    }
    expect(Object.values(secret(CANARY)).map(String).join()).not.toContain('CANARY')
  })
})

describe('P19 key files', () => {
  const prepared = async (text: string, files: Readonly<Record<string, string>>) => {
    const config = await expectRead({ text, files })
    const made = await prepare({ ...config, policies: '/nowhere' })
    const faults = made.ok ? [] : made.failure.map(faultText)
    // The policies are missing on purpose: all faults are told together.
    expect(faults.at(-1)).toContain('/nowhere: is not a folder')
    expect(faults.join('\n')).not.toContain('CANARY')
    return faults.slice(0, -1)
  }

  test.each([
    ['a key too short', `CANARY${newKey().slice(7)}`],
    ['a key too long', `${newKey()}CANARY`],
    ['a key in hex', 'c'.repeat(64)],
    ['standard base64', `CANARY+/${newKey().slice(8)}`],
    ['zeros', 'A'.repeat(43)],
    ['one letter again and again', 'QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE'],
    ['a word', 'CANARY'],
    ['a comment', '# CANARY'],
    ['a key of the same twice', ((key) => `${key}\n${key}`)(newKey())],
    ['JSON', '{"keys":["CANARY"]}'],
    ['NUL between', `${newKey()}\0CANARY`],
  ])('session keys that are %s are refused', async (_what, keys) => {
    const faults = await prepared(withKey('session', 'keysFile: x'), { x: keys })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/x:\d:1: session\.keysFile: .*\. Write one key a line/)
  })

  test.each([
    ['one key', (key: string) => key],
    ['a newline behind', (key: string) => `${key}\n`],
    ['CR LF', (key: string) => `${key}\r\n`],
    ['comments', (key: string) => `# newest\n${key} # 2026\n\n`],
  ])('session keys with %s are read', async (_what, write) => {
    expect(await prepared(withKey('session', 'keysFile: x'), { x: write(newKey()) })).toEqual([])
  })

  const EC = { kty: 'EC', crv: 'P-256', x: newKey(), y: newKey(), d: newKey() }
  test.each([
    ['no JSON', 'CANARY'],
    ['an empty object', '{}'],
    ['no keys', '{"keys":[]}'],
    ['a public key', JSON.stringify({ keys: [{ ...EC, d: undefined, kid: 'CANARY' }] })],
    ['a point that is on no curve', JSON.stringify({ keys: [{ ...EC, kid: 'CANARY' }] })],
    ['a shared secret', '{"keys":[{"kty":"oct","k":"CANARY"}]}'],
    ['another curve', JSON.stringify({ keys: [{ ...EC, crv: 'P-384', kid: 'CANARY' }] })],
    ['a bare key', JSON.stringify({ ...EC, kid: 'CANARY' })],
    ['PEM', '-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n'],
  ])('assertion keys that are %s are refused', async (_what, keys) => {
    const faults = await prepared(withKey('assertion', 'keysFile: x'), { x: keys })
    expect(faults).toEqual([expect.stringMatching(/x: assertion\.keysFile: .*\. Write a JWK Set/)])
  })
})

describe('P19 a password for Redis', () => {
  const PASSWORD = 'p:/?#[]@% &=+\\"\'<>é✓CANARY'
  let redis: Redis

  beforeAll(async () => {
    redis = await startRedis()
    const client = openStore(redis)
    await client.config('SET', 'requirepass', PASSWORD)
    client.disconnect()
  })
  afterAll(() => redis.stop())

  const serviceWith = (userinfo: string): Promise<Vestibule> =>
    startVestibule({
      policies: POLICIES,
      environment: {
        VESTIBULE_SESSION_STORE: redis.url.replace('//', `//${userinfo}@`),
        VESTIBULE_SESSION_KEYS: newKey(),
      },
    })

  test.each([
    ['alone', `:${encodeURIComponent(PASSWORD)}`],
    ['with the default user', `default:${encodeURIComponent(PASSWORD)}`],
  ])('of every odd character works, percent-encoded, %s', async (_what, userinfo) => {
    const service = await serviceWith(userinfo)
    try {
      await until(() => isReady(service))
      expect(service.notices()).toEqual([])
    } finally {
      await service.stop()
    }
  })

  test('that is wrong is an outage, and is not told', async () => {
    const service = await serviceWith(':CANARY-wrong')
    try {
      await until(() => Promise.resolve(service.notices().length > 0))
      expect(await isReady(service)).toBe(false)
      expect(service.notices().join('\n')).not.toContain('CANARY')
      expect(await service.metrics()).not.toContain('CANARY')
    } finally {
      await service.stop()
    }
  })

  test('that is not percent-encoded is refused, or is an outage; never another server', async () => {
    const { faults } = await readCase({
      text: GOOD_CONFIG,
      environment: {
        VESTIBULE_SESSION_STORE: `redis://:${PASSWORD}@127.0.0.1:1`,
        VESTIBULE_SESSION_KEYS: newKey(),
      },
    })
    expect(faults.join('\n')).toMatch(
      /VESTIBULE_SESSION_STORE: session\.store: is no session store/,
    )
    expect(faults.join('\n')).not.toContain('CANARY')
  })
})

describe('P29 what can be switched does what it says', () => {
  let idp: ScriptedProvider

  beforeAll(async () => {
    idp = await startScriptedProvider()
    idp.play({ claims: (c) => ({ ...c, email: 'a@example.com', email_verified: false }) })
  })
  afterAll(() => idp.stop())

  const BY_EMAIL = {
    'app.yaml': 'hosts: [app.test]\npolicy: { allow: { and: [{ email: a@example.com }] } }\n',
  }

  const statusWith = async (settings: Partial<VestibuleSettings>, target?: string) => {
    const service = await startAgainst(idp, { policies: BY_EMAIL, ...settings })
    try {
      const begun = await begin(service)
      const reply = await askPublic(service, idp.authorize(begun.authorizationUrl), {
        cookies: [begun.browserCookie],
      })
      const cookie = expectSignedIn(reply)
      const asked = target === undefined ? { cookie } : { cookie, target }
      return (await askVerify(service.verifyPort, asked)).status
    } finally {
      await service.stop()
    }
  }

  test.each([
    ['true', 200],
    ['false', 403],
  ])('identityProvider.trustEmail: %s', async (trustEmail, status) => {
    const environment = { VESTIBULE_IDENTITY_PROVIDER_TRUST_EMAIL: trustEmail }
    expect(await statusWith({ environment })).toBe(status)
  })

  test.each([
    ['true', 403],
    ['false', 200],
  ])('verify.requireHost: %s', async (requireHost, status) => {
    const environment = {
      VESTIBULE_VERIFY_REQUIRE_HOST: requireHost,
      VESTIBULE_IDENTITY_PROVIDER_TRUST_EMAIL: 'true',
    }
    expect(await statusWith({ environment }, '/verify')).toBe(status)
  })
})
