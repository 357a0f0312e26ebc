import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { judge, MARGIN } from '../../bench/gate.ts'
import { unexpected } from '../../bench/load.ts'
import { readPeers } from '../../bench/peers.ts'
import { RUNS } from '../../bench/runs.ts'
import { startLocalServer } from '../../demo/local-server.ts'

const MAIN = join(import.meta.dirname, '../../bench/main.ts')

/** Runs a benchmark for as short as possible, and reads its report. */
const bench = async (...args: readonly string[]): Promise<unknown> => {
  const child = spawn(
    process.execPath,
    [MAIN, ...args, '--rounds', '1', '--seconds', '1', '--json'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = once(child, 'close')
  const report = await text(child.stdout)
  expect((await ended)[0]).toBe(0)
  return JSON.parse(report)
}

const aSample = expect.objectContaining({ cpuMicros: expect.any(Number), errors: 0 })

describe('benchmarks run, meet no error, and put each figure beside its yardstick', () => {
  test('of /verify, and another server is asked the same', async () => {
    const asked = new Set<string>()
    const peer = await startLocalServer((request, response) => {
      asked.add([request.headers.cookie?.split('=')[0], request.headers['x-a']].join(' '))
      response.end()
    })
    const other = [`--peer=other=http://127.0.0.1:${peer.port}/`, '--peer-header=other: X-A: 1']
    const only = ['--only', 'warm session, kept', '--hosts', '50']
    const report = await bench('verify', ...only, ...other)
    await peer.stop()
    expect([...asked]).toEqual(['vestibule 1'])
    expect(report).toMatchObject({
      results: [
        {
          scenario: 'warm session, kept connections',
          bare: aSample,
          verify: aSample,
          peers: [{ name: 'other', throughput: expect.any(Number) }],
        },
      ],
      policies: { hosts: 50, rules: 20, ratio: expect.any(Number) },
    })
  }, 60_000)

  test('of different requests, of which as many are refused as should be', async () => {
    expect(await bench('verify', '--only', 'mixed traffic', '--hosts', '1')).toMatchObject({
      results: [
        { scenario: 'mixed traffic, connection per request', bare: aSample, verify: aSample },
      ],
    })
  }, 60_000)

  test('of whole requests through nginx', async () => {
    expect(await bench('nginx')).toMatchObject({
      results: [{ scenario: 'through nginx', bare: aSample, verify: aSample }],
    })
  }, 60_000)

  test('of floods', async () => {
    const report = (await bench('overload')) as {
      readonly overload: readonly { readonly good: { readonly errors: number } }[]
    }
    expect(report.overload.map(({ good }) => good.errors)).toEqual([0, 0, 0, 0, 0])
  }, 60_000)

  test('of sessions: every end is felt, and it is said what a request costs', async () => {
    const report = await bench('sessions', '--revocations', '30', '--sessions', '1200')
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

  test('of tokens: calls to the issuer are counted, and few', async () => {
    const report = await bench('tokens', '--only', 'JWT, remembered, kept')
    expect(report).toMatchObject({
      verification: [
        { algorithm: 'RS256', cpu: expect.any(Number), jose: expect.anything() },
        { algorithm: 'ES256', throughput: expect.any(Number) },
      ],
      remembered: [{ throughput: expect.any(Number) }],
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
})

describe('load', () => {
  test('meets an error for each answer of another kind than was asked for', () => {
    expect([unexpected(100, 0), unexpected(100, 2)]).toEqual([0, 2])
    expect([unexpected(100, 100, 1), unexpected(100, 98, 1)]).toEqual([0, 2])
  })

  test('of different requests may have somewhat more or fewer refused than their share', () => {
    expect([unexpected(1000, 180, 0.2), unexpected(1000, 220, 0.2)]).toEqual([0, 0])
    expect([unexpected(1000, 0, 0.2), unexpected(1000, 1000, 0.2)]).toEqual([200, 800])
  })
})

describe('the gate', () => {
  const measured = (throughput: number) => [{ scenario: 'a', throughput }]

  test('holds what is no more than the margin below the recorded ratio', () => {
    expect(judge({ a: 0.9 }, measured(0.9 - MARGIN + 0.001))).toMatchObject([{ isHeld: true }])
    expect(judge({ a: 0.9 }, measured(0.9 - MARGIN - 0.001))).toMatchObject([{ isHeld: false }])
  })

  test('fails where a recorded scenario was not measured, or none came of it', () => {
    expect(judge({ a: 0.9, b: 0.5 }, measured(1))).toMatchObject([
      { scenario: 'a', isHeld: true },
      { scenario: 'b', isHeld: false },
    ])
    expect(judge({ a: 0.9 }, measured(Number.NaN))).toMatchObject([{ isHeld: false }])
  })
})

describe('the command', () => {
  test('reads other servers with the headers that each needs', () => {
    expect(
      readPeers(['one=http://a/x?y=z', 'two=https://b/'], ['two: Cookie: a=b', 'two: X: : c']),
    ).toEqual([
      { name: 'one', url: 'http://a/x?y=z', headers: {} },
      { name: 'two', url: 'https://b/', headers: { Cookie: 'a=b', X: ': c' } },
    ])
  })

  test.each([
    [['http://a/'], [], 'NAME=http://…'],
    [['a=http://a/'], ['a: Cookie'], 'NAME: Header: value'],
    [['a=http://a/'], ['b: Cookie: x'], 'no --peer is named so'],
  ])('says how a peer is written: %j %j', (peers, headers, why) => {
    expect(() => readPeers(peers, headers)).toThrow(why)
  })

  test('says what it measures', async () => {
    const child = spawn(process.execPath, [MAIN, 'nothing'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const ended = once(child, 'close')
    const help = await text(child.stdout)
    expect((await ended)[0]).toBe(2)
    for (const name of RUNS.keys()) expect(help).toMatch(new RegExp(`^${name} +\\S`, 'm'))
  })
})
