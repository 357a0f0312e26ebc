import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { epochSeconds } from '../../src/core/ids.ts'
import { ok } from '../../src/core/result.ts'
import { randomKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { type RecordStore } from '../../src/edge/sessions/record-store.ts'
import { createReturnSeal } from '../../src/edge/sessions/return-seal.ts'
import { createSignInAttempts } from '../../src/edge/sessions/sign-in-attempts.ts'
import { type SignInAttempt, type SignInPorts } from '../../src/flow/ports.ts'
import { ATTEMPT_SECONDS, beginSignIn, completeSignIn } from '../../src/flow/sign-in.ts'
import { aPerson } from '../support/policies.ts'
import { memoryRecords, sessionsOver } from '../support/sessions.ts'

const START_MS = 1_800_000_000_000
const LIMITS = { idleSeconds: 3600, absoluteSeconds: 7200 }

/** The flow on real records, with a clock that the test moves and a provider that always agrees. */
const createWorld = () => {
  let nowMs = START_MS
  const lifetimes: number[] = []
  const records = memoryRecords(() => nowMs)
  const watched: RecordStore = {
    ...records,
    put: (name, value, ttlMs) => {
      lifetimes.push(ttlMs)
      return records.put(name, value, ttlMs)
    },
    putInFamily: (family, name, value, ttlMs) => {
      lifetimes.push(ttlMs)
      return records.putInFamily(family, name, value, ttlMs)
    },
  }
  const ring = randomKeyRing()
  const now = () => epochSeconds(nowMs / 1000)
  const begun: SignInAttempt[] = []
  const ports: SignInPorts = {
    attempts: createSignInAttempts(watched, () => ring),
    sessions: sessionsOver({ records: watched, ring, limits: LIMITS, nowMs: () => nowMs }).store,
    identityProvider: {
      authorizationUrl: (attempt) => {
        begun.push(attempt)
        return Promise.resolve(ok(new URL('https://idp.test/')))
      },
      exchange: () =>
        Promise.resolve(
          ok({
            principal: aPerson(),
            issuedAt: now(),
            tokens: {
              idToken: 'i',
              accessToken: 'a',
              accessExpiresAt: undefined,
              refreshToken: undefined,
            },
          }),
        ),
      revalidate: () => Promise.reject(new Error('nobody asks again here')),
      endSessionUrl: () => Promise.resolve(undefined),
    },
    now,
    random: () => randomBytes(32).toString('base64url'),
    hash: (text) => createHash('sha256').update(text).digest('base64url'),
  }
  const browser = ports.random()
  return {
    lifetimes,
    seal: createReturnSeal(() => ring, now),
    pass: (seconds: number) => {
      nowMs += seconds * 1000
    },
    begin: async (): Promise<string> => {
      await beginSignIn(ports, browser, { returnTo: '/x', askedProof: undefined })
      return begun.at(-1)?.state ?? ''
    },
    complete: async (state: string): Promise<string> => {
      const query = `code=x&state=${state}`
      const sent = { browser, replaces: undefined, userAgent: undefined }
      const callback = { ...sent, state, isError: false, query }
      const completed = await completeSignIn(ports, callback)
      return completed.ok ? 'signed in' : completed.failure.kind
    },
  }
}

describe('the clock while somebody signs in', () => {
  test.each([
    [0, 'signed in'],
    [ATTEMPT_SECONDS - 1, 'signed in'],
    [ATTEMPT_SECONDS + 1, 'no_attempt'],
    [86_400, 'no_attempt'],
    // L35: clocks are set back, by a minute or by a year.
    [-60, 'signed in'],
    [-600, 'signed in'],
    [-365 * 86_400, 'signed in'],
  ])('L3 L35 after %p seconds: %s, once', async (seconds, outcome) => {
    const { begin, complete, pass, lifetimes } = createWorld()
    const state = await begin()
    pass(seconds)
    expect(await complete(state)).toBe(outcome)
    pass(-2 * seconds)
    expect(await complete(state)).toBe('no_attempt')
    // Redis refuses a life of zero or less, and keeps for ever what was given none.
    for (const ms of lifetimes) expect([ms > 0, Number.isFinite(ms)]).toEqual([true, true])
  })

  test.each([
    [599, '/x'],
    [600, undefined],
    [86_400, undefined],
    [-3600, '/x'],
  ])('R68 a sealed return URL %p seconds old is %p', (seconds, url) => {
    const { seal, pass } = createWorld()
    const sealed = seal.seal('/x')
    pass(seconds)
    expect(seal.unseal(sealed)).toBe(url)
  })
})
