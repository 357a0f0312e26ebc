import { beforeEach, describe, expect, test } from '@jest/globals'
import { createRecent, type Recent } from '../../src/edge/sessions/recent.ts'

type Source = { readonly name: string }

let nowMs: number
let recent: Recent<Source, { readonly of: string }>

const PERIOD_MS = 60_000
const source = (name: string): Source => ({ name })
const [a, b, c] = [source('a'), source('b'), source('c')]
const keep = (what: Source, bytes = 100): void => recent.keep(what, { of: what.name }, bytes)

beforeEach(() => {
  nowMs = 1_000_000
  recent = createRecent({ monotonicMs: () => nowMs, periodMs: PERIOD_MS, mostBytes: 300 })
})

describe('what was worked out of something', () => {
  test('is the same object for as long as it is asked for', () => {
    keep(a)
    const first = recent.get(a)
    expect(first).toEqual({ of: 'a' })
    for (let asked = 0; asked < 10; asked += 1) {
      nowMs += PERIOD_MS
      expect(recent.get(a)).toBe(first)
    }
  })

  test('is kept for the period, and forgotten within twice that', () => {
    keep(a)
    keep(b)
    nowMs += PERIOD_MS - 1
    expect(recent.get(b)).toBeDefined()
    for (let turn = 0; turn < 2; turn += 1) {
      nowMs += PERIOD_MS
      expect(recent.get(a)).toBeDefined()
    }
    expect(recent.get(b)).toBeUndefined()
  })

  test('makes room for others, and what is in use stays', () => {
    for (const each of [a, b, c]) keep(each)
    const others = Array.from({ length: 20 }, (_each, index) => source(`other-${index}`))
    for (const other of others) {
      keep(other)
      expect(recent.get(other)).toEqual({ of: other.name })
      if (recent.get(a) === undefined) keep(a)
    }
    expect(recent.get(a)).toBeDefined()
    expect(recent.get(b)).toBeUndefined()
    expect(others.filter((other) => recent.get(other) !== undefined).length).toBeLessThan(4)
  })

  test('as many as fit are asked for in turn without being worked out again', () => {
    for (const each of [a, b, c]) keep(each)
    for (let round = 0; round < 10; round += 1) {
      nowMs += PERIOD_MS / 4
      for (const each of [a, b, c]) expect(recent.get(each)).toEqual({ of: each.name })
    }
  })
})
