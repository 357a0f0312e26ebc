import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { keysGenerate, keysRotate } from '../../src/commands/keys.ts'
import { holdKeys } from '../../src/edge/sessions/held-keys.ts'
import { randomKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { askPublic, providerSettings, signIn, startProvider } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

const POLICY = 'hosts: [app.test]\npolicy: { allow: { and: [{ groups: { has: sre } }] } }\n'

let idp: IdentityProvider
let folder: string
let vestibule: Vestibule
const sessionKeys = (): string => join(folder, 'session-keys')
const assertionKeys = (): string => join(folder, 'assertion-keys')

/** What a command of the CLI prints. */
const printed = async (run: () => Promise<unknown>): Promise<string> => {
  const write = process.stdout.write.bind(process.stdout)
  let text = ''
  process.stdout.write = (chunk: string | Uint8Array) => {
    text += String(chunk)
    return true
  }
  try {
    await run()
  } finally {
    process.stdout.write = write
  }
  return text
}

beforeAll(async () => {
  idp = await startProvider()
  folder = await mkdtemp(join(tmpdir(), 'vestibule-keys-'))
  await writeFile(sessionKeys(), await printed(() => keysGenerate.run(['session'], {})))
  await writeFile(assertionKeys(), await printed(() => keysGenerate.run(['assertion'], {})))
  const { config, environment } = providerSettings(idp)
  vestibule = await startVestibule({
    policies: { 'app.yaml': POLICY },
    config: {
      ...config,
      session: { keysFile: sessionKeys() },
      assertion: { keysFile: assertionKeys() },
    },
    environment,
  })
})
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
  await rm(folder, { recursive: true })
})

const until = async (holds: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + 15_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('did not come to hold')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const statusOf = async (cookie: string): Promise<number> =>
  (await askVerify(vestibule.verifyPort, { cookie })).status

const kids = async (): Promise<readonly string[]> => {
  const { body } = await askPublic(vestibule, '/.well-known/jwks.json')
  const { keys } = JSON.parse(body) as { readonly keys: readonly { readonly kid: string }[] }
  return keys.map(({ kid }) => kid)
}

const noticed = (text: string): boolean => vestibule.notices().some((line) => line.includes(text))

describe('key files that change while the service runs', () => {
  let cookie: string

  beforeEach(async () => {
    ;({ sessionCookie: cookie } = await signIn(vestibule, 'alice'))
    expect(await statusOf(cookie)).toBe(200)
  })

  test('a file that is no key file changes nothing, and is told of', async () => {
    const good = await readFile(sessionKeys(), 'utf8')
    await writeFile(sessionKeys(), 'not a key\n')
    await until(() => Promise.resolve(noticed('session keys not taken over')))
    expect(await statusOf(cookie)).toBe(200)
    await writeFile(sessionKeys(), good)
  })

  test('a rotation signs nobody out, before and after the old key goes', async () => {
    await printed(() => keysRotate.run(['session', sessionKeys()], {}))
    const both = await readFile(sessionKeys(), 'utf8')
    const { sessionCookie: during } = await signIn(vestibule, 'bob')
    expect(await statusOf(cookie)).toBe(200)
    // The old key is retired: what was sealed with it is over, what comes is sealed anew.
    await writeFile(sessionKeys(), `${both.split('\n').slice(0, 2).join('\n')}\n`)
    await until(async () => {
      const { sessionCookie: after } = await signIn(vestibule, 'alice', { cookies: [during] })
      return (await statusOf(after)) === 200
    })
  })

  test('assertion keys are taken over, and both verify for a while', async () => {
    const before = await kids()
    await printed(() => keysRotate.run(['assertion', assertionKeys()], {}))
    await until(async () => (await kids()).length === 2)
    expect(await kids()).toContain(before[0])
    expect((await kids())[0]).not.toBe(before[0])
  })
})

describe('a key that is new to a running process', () => {
  test('opens at once, and seals when every replica has had the time to learn it', () => {
    let nowMs = 0
    const [old] = randomKeyRing()
    const [fresh] = randomKeyRing()
    const held = holdKeys([old], () => nowMs)
    held.replace([fresh, old])
    expect(held.current()).toEqual([old, fresh])
    nowMs += 119_999
    expect(held.current()[0]).toBe(old)
    nowMs += 1
    expect(held.current()).toEqual([fresh, old])
  })

  test('seals at once where no older one is left', () => {
    const [fresh] = randomKeyRing()
    const held = holdKeys(randomKeyRing(), () => 0)
    held.replace([fresh])
    expect(held.current()).toEqual([fresh])
  })

  test('the keys of the start are all known', () => {
    const ring = [randomKeyRing()[0], randomKeyRing()[0]] as const
    expect(holdKeys(ring, () => 0).current()).toEqual(ring)
  })
})
