import { beforeEach, describe, expect, test } from '@jest/globals'
import { type CostLimit, createCostLimit } from '../../src/edge/http/cost-limit.ts'

let ms: number
let limit: CostLimit

beforeEach(() => {
  ms = 1000
  limit = createCostLimit({ perSecond: 10, burst: 3, monotonicMs: () => ms })
})

const taken = (tries: number): number =>
  Array.from({ length: tries }, () => limit.take()).filter((isTaken) => isTaken).length

describe('a limit on what costs', () => {
  test('lets a burst through, then so many a second', () => {
    expect(taken(10)).toBe(3)
    ms += 100
    expect(taken(10)).toBe(1)
    ms += 50
    expect(taken(10)).toBe(0)
    ms += 50
    expect(taken(10)).toBe(1)
  })

  test('saves up no more than a burst', () => {
    ms += 3_600_000
    expect(taken(10)).toBe(3)
  })

  test('does not count what is given back, nor more than that', () => {
    for (let tries = 0; tries < 100; tries += 1) {
      expect(limit.take()).toBe(true)
      limit.giveBack()
    }
    limit.giveBack()
    expect(taken(10)).toBe(3)
  })
})
