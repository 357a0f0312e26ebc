import { describe, expect, jest, test } from '@jest/globals'
import { type Holder, type Line, violationsOf } from './invariants.ts'
import { runChaos } from './run.ts'

jest.setTimeout(120_000)

const holder = (changes: Partial<Holder> = {}): Holder => ({
  name: 'alice',
  kind: 'session',
  session: 'abcdefghijkl',
  subject: 'alice',
  orderedAt: undefined,
  endedAt: undefined,
  ...changes,
})

const line = (ms: number, changes: Partial<Line> = {}): Line => ({
  time: new Date(ms).toISOString(),
  effect: 'allow',
  reason: 'rule_matched',
  status: 200,
  credential: 'cookie',
  session: 'abcdefghijkl',
  principal: {},
  ...changes,
})

const refused = { effect: 'challenge', reason: 'unknown_session', status: 401 }

describe('what chaos is judged by', () => {
  test('somebody who is let in after his end was acknowledged, and the bound is over', () => {
    const ended = holder({ orderedAt: 900, endedAt: 1000 })
    expect(violationsOf([line(6000)], [ended], 5000)).toEqual([])
    expect(violationsOf([line(6001)], [ended], 5000)).toMatchObject([{ rule: 'ended_and_let_in' }])
  })

  test('somebody who is signed out before anybody ordered it', () => {
    expect(violationsOf([line(899, refused)], [holder({ orderedAt: 900 })], 0)).toMatchObject([
      { rule: 'alive_and_signed_out' },
    ])
    expect(violationsOf([line(900, refused)], [holder({ orderedAt: 900 })], 0)).toEqual([])
    expect(violationsOf([line(5, refused)], [holder()], 0)).toHaveLength(1)
  })

  test('an answer that nobody has heard of', () => {
    expect(violationsOf([line(1, { status: 500 })], [holder()], 0)).toMatchObject([
      { rule: 'unheard_of' },
    ])
  })
})

test('nothing of it happens while things go wrong for a while', async () => {
  const events: string[] = []
  const report = await runChaos({
    seconds: 8,
    seed: 20,
    store: 'standalone',
    say: (event) => events.push(event),
  })
  expect({ ...report, events: [] }).toMatchObject({
    violations: [],
    recovered: true,
    flushed: true,
  })
  expect(report.events).toBeGreaterThan(1)
  expect(report.requests['200 rule_matched']).toBeGreaterThan(100)
})
