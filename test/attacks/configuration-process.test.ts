import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { writeFiles } from '../support/files.ts'
import { type Ended, runCommand, serveFrom, startCommand } from './support-command.ts'
import { GOOD_CONFIG } from './support-configuration.ts'
import { GOOD } from './support-policy-files.ts'
import { until } from './support-replicas.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vestibule-process-'))
  await writeFiles(folder, { 'vestibule.yaml': GOOD_CONFIG, 'policies/app.yaml': GOOD })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** BOOT: the start is refused, soon, with lines for people and nothing else. */
const expectRefusedStart = (ended: Ended, ...faults: readonly RegExp[]): void => {
  expect([ended.code, ended.output]).toEqual([2, ''])
  // The corpus says five seconds; a laden machine may take a little longer to start Node at all.
  expect(ended.milliseconds).toBeLessThan(10_000)
  for (const fault of faults) expect(ended.errors).toMatch(fault)
  expect(ended.errors).not.toContain('CANARY')
  // No stack, no quotation of source code.
  expect(ended.errors).not.toMatch(/^\s+at |\.ts:\d+|node:internal/m)
}

describe('vestibule serve', () => {
  test('tells every fault of the configuration, with file, line, column, key and remedy', async () => {
    await writeFiles(folder, {
      'vestibule.yaml': GOOD_CONFIG.replace('domain: test', 'domain: .test')
        .replace('  clientId: vestibule', '  clientId: ""\n  clientSecret: CANARY')
        .concat('session: { idle: 8 hours, stoer: CANARY }\n'),
    })
    const environment = { VESTIBULE_SESSION_STORE: 'CANARY', VESTIBULE_FOO: 'CANARY' }
    expectRefusedStart(
      await serveFrom(folder, environment),
      /vestibule\.yaml:3:19: cookie\.domain: is not a domain name\. Write it as example\.com/,
      /vestibule\.yaml:6:13: identityProvider\.clientId: is empty\. Write a value/,
      /vestibule\.yaml:7:3: identityProvider\.clientSecret: a secret must not stand in the file\. Use/,
      /vestibule\.yaml:10:18: session\.idle: "8 hours" is not a duration\. Write/,
      /vestibule\.yaml:10:27: session\.stoer: is not a known key\. Did you mean store\?/,
      /environment variable VESTIBULE_SESSION_STORE: session\.store: is no session store\. Write/,
      /environment variable VESTIBULE_FOO: is not a known variable\. /,
    )
  }, 30_000)

  test('tells every fault of keys and policies together, and shows no secret', async () => {
    await writeFiles(folder, {
      'vestibule.yaml': `${GOOD_CONFIG}session: { keysFile: ring }\nassertion: { keysFile: set }\n`,
      ring: 'CANARY-is-no-key\n',
      set: '{"keys":[{"kty":"EC","d":"CANARY"}]}',
      'policies/app.yaml': GOOD.replace('authenticated_user: true', 'grops: { has: sre }'),
      'policies/b.yaml': 'hosts: [b.test]\npolicy:\n  - allow: { and: [ { accept: true } ] }\n',
    })
    expectRefusedStart(
      await serveFrom(folder),
      /ring:1:1: session\.keysFile: is not base64url of 32 bytes\. Write one key a line/,
      /set: assertion\.keysFile: is no set of assertion keys\. Write a JWK Set/,
      /^app\.yaml:3:23: policy\[0\]\.allow\.and\[0\]\.grops: is not a known criterion\. Did you mean groups\?/m,
      /^b\.yaml:3:5: policy\[0\]: can be satisfied by network location, time or path alone\. Add/m,
    )
  }, 30_000)

  test('P26 does not start on policies that were broken while it ran', async () => {
    await writeFiles(folder, { 'policies/app.yaml': `${GOOD}  - alow` })
    expectRefusedStart(await serveFrom(folder), /^app\.yaml:\d+:\d+: /m)
  }, 30_000)

  test('says so where the command line is wrong', async () => {
    const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
      ['no file is named', ['serve'], /no file is named\. Use --config FILE/],
      [
        'the file is gone',
        ['serve', '--config', 'gone.yaml'],
        /gone\.yaml: does not exist\. Check/,
      ],
      [
        'the file is a folder',
        ['serve', '--config', 'policies'],
        /policies: is not a regular file/,
      ],
      ['an option is unknown', ['serve', '--confg', 'x'], /serve: .*--confg.*\n.*--help/],
      ['the command is unknown', ['sevre'], /sevre is not a command/],
    ]
    await Promise.all(
      wrong.map(async ([what, args, problem]) => {
        const ended = await runCommand(folder, args)
        expect([what, ended.code, ended.output]).toEqual([what, 2, ''])
        expect(ended.errors).toMatch(problem)
      }),
    )
  }, 30_000)

  test('tells faults as JSON where asked, and no secret in it', async () => {
    await writeFiles(folder, { 'vestibule.yaml': `${GOOD_CONFIG}sesion: CANARY\n` })
    const ended = await serveFrom(folder, { VESTIBULE_SESSION_STORE: 'CANARY' }, '--json')
    expect(ended.code).toBe(2)
    expect(`${ended.output}${ended.errors}`).not.toContain('CANARY')
    const told = JSON.parse(ended.output) as { ok: boolean; faults: readonly { key: string }[] }
    expect(told.ok).toBe(false)
    expect(told.faults.map(({ key }) => key).toSorted()).toEqual(['sesion', 'session.store'])
  }, 30_000)

  test('opens all listeners or none, and says which address is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    try {
      const ended = await serveFrom(folder, { VESTIBULE_LISTEN_OPS: `127.0.0.1:${port}` })
      expect(ended.code).toBe(2)
      expect(ended.errors).toContain(`cannot listen on 127.0.0.1:${port} (listen.ops)`)
    } finally {
      other.close()
    }
  }, 30_000)

  test('P27 starts beside Services of its own name, and stops cleanly', async () => {
    const environment = {
      VESTIBULE_CONFIG: join(folder, 'vestibule.yaml'),
      VESTIBULE_PORT: 'tcp://10.0.0.1:8080',
      VESTIBULE_PORT_8080_TCP_ADDR: '10.0.0.1',
      VESTIBULE_SERVICE_HOST: '10.0.0.1',
      VESTIBULE_SERVICE_PORT_VERIFY: '8080',
      VESTIBULE_VERIFY_SERVICE_HOST: '10.0.0.1',
      VESTIBULE_IDENTITY_PROVIDER_CLIENT_SECRET: 'CANARY',
    }
    const command = startCommand(folder, ['serve'], environment)
    await until(() => Promise.resolve(command.errors().includes('vestibule is ready')), 15_000)
    command.child.kill('SIGTERM')
    const ended = await command.ended
    expect([ended.code, ended.output]).toEqual([0, ''])
    expect(ended.errors).not.toContain('CANARY')
  }, 30_000)
})

describe('vestibule check', () => {
  test('ends with 1 and the same lines', async () => {
    await writeFiles(folder, { 'policies/app.yaml': GOOD.replace('app.test', '"*.com"') })
    const args = ['check', '--config', join(folder, 'vestibule.yaml')]
    const ended = await runCommand(folder, args)
    expect(ended.code).toBe(1)
    expect(ended.errors).toMatch(/^app\.yaml:1:9: hosts\[0\]: is not a host name\. Write/m)
  }, 30_000)
})
