import { expect, test } from '@jest/globals'
import { createTurnstile } from '../../src/edge/crowd/turnstile.ts'
import { type TokenIssuer } from '../../src/edge/tokens/token-issuer.ts'
import { createTokenVerifier } from '../../src/edge/tokens/token-verifier.ts'
import { type Turnstile } from '../../src/flow/ports.ts'
import { issuerOf, NOW } from '../tokens/support-tokens.ts'

const ACTIVE = {
  kind: 'active',
  claims: { sub: 'alice', aud: 'vestibule', exp: NOW + 3600 },
  until: NOW + 60,
} as const

const askedIssuer = (name: string, answer: () => Promise<typeof ACTIVE>): TokenIssuer =>
  issuerOf(
    `https://${name}.test`,
    { nowMs: NOW * 1000 },
    {
      name,
      proof: {
        kind: 'introspection',
        introspect: answer,
        tokenPrefix: `${name}_`,
        requiresAudience: true,
      },
    },
  )

test('an issuer that hangs keeps nobody waiting who has a token of another one', async () => {
  const slowAnswer = Promise.withResolvers<typeof ACTIVE>()
  const turnstiles = new Map<TokenIssuer | undefined, Turnstile>()
  const verify = createTokenVerifier(
    [
      askedIssuer('slow', () => slowAnswer.promise),
      askedIssuer('quick', () => Promise.resolve(ACTIVE)),
    ],
    {
      nowSeconds: () => NOW,
      turnstileOf: (issuer) => {
        const found = turnstiles.get(issuer)
        if (found !== undefined) return found
        const made = createTurnstile({ most: 2, mostWaiting: 2, perTurn: 2 })
        turnstiles.set(issuer, made)
        return made
      },
    },
  )
  const slow = Array.from({ length: 5 }, (_each, index) => verify(`slow_${index}`))
  expect(slow.at(-1)).toEqual({ ok: false, failure: 'overloaded' })
  expect(await verify('quick_1')).toMatchObject({ ok: true })
  slowAnswer.resolve(ACTIVE)
  const outcomes = await Promise.all(slow.map((each) => Promise.resolve(each)))
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true, true, false])
})

test('whoever was turned away is looked at as soon as there is room', async () => {
  const verify = createTokenVerifier([askedIssuer('quick', () => Promise.resolve(ACTIVE))], {
    nowSeconds: () => NOW,
    turnstileOf: (() => {
      const one = createTurnstile({ most: 1, mostWaiting: 0, perTurn: 1 })
      return () => one
    })(),
  })
  const [first, second] = [verify('quick_1'), verify('quick_2')]
  expect(second).toEqual({ ok: false, failure: 'overloaded' })
  expect(await first).toMatchObject({ ok: true })
  await new Promise(setImmediate)
  expect(await verify('quick_2')).toMatchObject({ ok: true })
})
