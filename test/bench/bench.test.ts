import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'

const MAIN = join(import.meta.dirname, '../../bench/main.ts')

test('the benchmark runs, meets no error under load, and reports each figure beside its yardstick', async () => {
  const child = spawn(process.execPath, [MAIN, '--rounds', '1', '--seconds', '1', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const report: unknown = JSON.parse(await text(child.stdout))
  expect((await ended)[0]).toBe(0)
  expect(report).toMatchObject({
    results: [
      { scenario: expect.stringContaining('connection per request'), bare: expect.anything() },
      { scenario: expect.stringContaining('kept connections'), throughput: expect.any(Number) },
    ],
    policies: { hosts: 1000, rules: 20, ratio: expect.any(Number) },
  })
}, 60_000)

test('the benchmark of sessions feels every end, and states what a request costs', async () => {
  const args = ['sessions', '--revocations', '30', '--sessions', '1200', '--json']
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const report: unknown = JSON.parse(await text(child.stdout))
  expect((await ended)[0]).toBe(0)
  expect(report).toMatchObject({
    lags: [
      { way: 'sign-out', count: 10, maxMs: expect.any(Number) },
      { way: 'DEL by hand', count: 10 },
      { way: 'subject revoked', count: 10 },
    ],
    commands: { cold: 2 },
    memory: { sessions: 1200, lookupRatio: expect.any(Number) },
  })
}, 60_000)

test('the benchmark of tokens compares each with its yardstick, and counts calls to the issuer', async () => {
  const args = ['tokens', '--rounds', '1', '--seconds', '1', '--json']
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const report: unknown = JSON.parse(await text(child.stdout))
  expect((await ended)[0]).toBe(0)
  expect(report).toMatchObject({
    verification: [
      { algorithm: 'RS256', cpu: expect.any(Number), jose: expect.anything() },
      { algorithm: 'ES256', throughput: expect.any(Number) },
    ],
    remembered: Array.from({ length: 4 }, () => ({ throughput: expect.any(Number) })),
    fresh: { calls: 0 },
  })
  const { hostile } = report as {
    readonly hostile: readonly { readonly what: string; readonly calls: number }[]
  }
  expect(hostile.map(({ what }) => what)).toEqual([
    'good, remembered',
    'garbage',
    'wrong signature',
    'unknown kid',
    'unknown issuer',
    'alg none',
    'HS256 by the public key',
    '7 kB',
    'mistyped own token',
    '100 kB',
  ])
  // Discovery and keys, once in a cool-down of half a minute, whatever comes.
  expect(hostile.reduce((sum, { calls }) => sum + calls, 0)).toBeLessThanOrEqual(8)
}, 180_000)
