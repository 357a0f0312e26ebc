import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { startIssuer } from '../tokens/support-tokens.ts'
import {
  type BearerWorld,
  createKey,
  publicJwk,
  startBearerWorld,
  untilWarm,
} from './support-bearer.ts'
import { outcomeOf } from './support-requests.ts'

let world: BearerWorld

beforeEach(async () => {
  world = await startBearerWorld()
})
afterEach(() => world.stop())

const ask = async (token: string): Promise<string> => outcomeOf(await world.ask(`Bearer ${token}`))

describe('J17 an issuer that is gone', () => {
  test('tokens by known keys pass, unknown keys are refused, and nobody waits', async () => {
    await untilWarm(world)
    await world.idp.stop()
    const old = world.mint()
    expect(await ask(old)).toBe('200 rule_matched')
    for (let count = 0; count < 20; count += 1) {
      expect(await ask(world.mint({ claims: { jti: String(count) } }))).toBe('200 rule_matched')
      const unknown = { ...world.keys.es, kid: `x${count}` }
      // Nothing was asked since the keys were fetched: they are as good as new.
      expect(await ask(world.mint({ by: unknown }))).toBe('401 invalid_token')
    }
    expect(await ask(world.mint({ by: world.keys.foreign }))).toBe('401 invalid_token')
    expect(await ask(old)).toBe('200 rule_matched')
  })

  test('an unknown key of an issuer that was found to be gone could not be checked', async () => {
    const { idp, keys, mint } = world
    for (let tries = 0; tries < 10 && (await ask(mint())) !== '200 rule_matched'; tries += 1);
    await idp.stop()
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_each, index) =>
        ask(mint({ by: { ...keys.es, kid: `x${index}` } })),
      ),
    )
    expect(new Set(outcomes)).toEqual(new Set(['503 issuer_keys_unreachable']))
    expect(await ask(mint())).toBe('200 rule_matched')
    // Forged by somebody who knows the name of a key: that can be told without its issuer.
    expect(await ask(mint({ by: keys.foreign }))).toBe('401 invalid_token')
  })

  test('one issuer that is gone is no matter to another', async () => {
    await untilWarm(world)
    await world.idp2.stop()
    expect(await ask(world.mint())).toBe('200 rule_matched')
    const claims = { iss: world.idp2.url }
    expect(await ask(world.mint({ claims, by: world.keys.es2 }))).toBe('200 rule_matched')
  })
})

test('X16 an issuer that is not there yet: 503 until it comes, and then all is well', async () => {
  await world.stop()
  world = await startBearerWorld(true)
  const { idp, keys, mint } = world
  expect(await ask(mint())).toBe('503 issuer_keys_unreachable')
  const back = await startIssuer(Number(new URL(idp.url).port))
  back.publish({ keys: [publicJwk(keys.rs), publicJwk(keys.es)] })
  const deadline = Date.now() + 20_000
  while ((await ask(mint())) !== '200 rule_matched') {
    if (Date.now() > deadline) throw new Error('it did not recover')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(await ask(mint({ by: createKey('rs', 'RS256') }))).toBe('401 invalid_token')
  await back.stop()
})
