import { expect, test } from '@jest/globals'
import { createRestartLimit } from '../../src/edge/workers/restart-limit.ts'

test('workers may be replaced so often within a span of time, and again once it has passed', () => {
  let now = 0
  const limit = createRestartLimit({ most: 3, withinMs: 1000, monotonicMs: () => now })
  const ends = (atMs: number): boolean => {
    now = atMs
    return limit.mayReplace()
  }
  expect([0, 300, 600].map(ends)).toEqual([true, true, true])
  expect(ends(999)).toBe(false)
  expect([1600, 2000, 2300].map(ends)).toEqual([true, true, true])
  expect(ends(2400)).toBe(false)
})
