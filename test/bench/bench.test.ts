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
