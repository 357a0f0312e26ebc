import { beforeEach, describe, expect, test } from '@jest/globals'
import { createDpopNonces } from '../../src/edge/tokens/dpop-nonce.ts'
import { createReplayMemory } from '../../src/edge/tokens/replay-memory.ts'

let nowMs = 0

beforeEach(() => {
  nowMs = 1_800_000_000_000
})

describe('the memory of used proofs', () => {
  test('takes a name once, until its time is over', async () => {
    const memory = createReplayMemory(() => nowMs)
    expect(await memory.claim('a', 1000)).toEqual({ ok: true, value: true })
    expect(await memory.claim('a', 1000)).toEqual({ ok: true, value: false })
    nowMs += 999
    expect(await memory.claim('a', 1000)).toEqual({ ok: true, value: false })
    nowMs += 1
    expect(await memory.claim('a', 1000)).toEqual({ ok: true, value: true })
  })

  test('forgets nothing early where it is full: it says that it cannot tell', async () => {
    const memory = createReplayMemory(() => nowMs, 2)
    await memory.claim('a', 1000)
    nowMs += 1
    await memory.claim('b', 1000)
    expect(await memory.claim('c', 1000)).toEqual({ ok: false, failure: 'unreachable' })
    expect(await memory.claim('a', 1000)).toEqual({ ok: true, value: false })
    nowMs += 999
    expect(await memory.claim('c', 1000)).toEqual({ ok: true, value: true })
    expect(await memory.claim('b', 1000)).toEqual({ ok: true, value: false })
  })
})

describe('nonces', () => {
  const one = Buffer.alloc(32, 1)
  const two = Buffer.alloc(32, 2)

  test('are good in their minute and the next, and no longer', () => {
    const nonces = createDpopNonces(
      () => [one],
      () => nowMs,
    )
    const nonce = nonces.current()
    expect(nonces.isNonce(nonce)).toBe(true)
    nowMs += 60_000
    expect(nonces.isNonce(nonce)).toBe(true)
    expect(nonces.current()).not.toBe(nonce)
    nowMs += 60_000
    expect(nonces.isNonce(nonce)).toBe(false)
  })

  test('of a minute to come, of another secret, or made up are none', () => {
    const nonces = createDpopNonces(
      () => [one],
      () => nowMs,
    )
    const later = createDpopNonces(
      () => [one],
      () => nowMs + 120_000,
    ).current()
    const foreign = createDpopNonces(
      () => [two],
      () => nowMs,
    ).current()
    for (const nonce of [later, foreign, '', 'x', nonces.current().slice(1)]) {
      expect(nonces.isNonce(nonce)).toBe(false)
    }
  })

  test('of a replica whose key ring is one key ahead or behind are good, too', () => {
    const ahead = createDpopNonces(
      () => [two, one],
      () => nowMs,
    )
    const behind = createDpopNonces(
      () => [one, two],
      () => nowMs,
    )
    expect([ahead.isNonce(behind.current()), behind.isNonce(ahead.current())]).toEqual([true, true])
  })
})
