import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { decisionRow, noticeRow, type Paint } from '../../demo/log-rows.ts'
import { readOptions } from '../../demo/options.ts'

const plain: Paint = (_colour, words) => words

describe('decisionRow', () => {
  const record = {
    time: '2026-11-21T22:00:00.000Z',
    decision: 'd1',
    effect: 'allow',
    reason: 'rule_matched',
    status: 200,
    host: 'grafana.vestibule.localhost',
    method: 'GET',
    path: '/admin',
    principal: { actor: 'human', subject: 'alice' },
    rule: 'sre',
    latencyMs: 0.84,
  }

  test('shows a decision as one aligned row', () => {
    const row = decisionRow(JSON.stringify(record), plain)
    expect(row.replace(/^[\d:]{8}/, 'hh:mm:ss')).toBe(
      'hh:mm:ss  200 allow      rule_matched          human alice         GET     grafana.vestibule.localhost/admin  sre · 0.8 ms',
    )
  })

  test('shows what is no decision as it is, but never a control character', () => {
    expect(decisionRow('started', plain)).toBe('started')
    const row = decisionRow(JSON.stringify({ ...record, path: '/\u001b[2J' }), plain)
    expect(row).toContain('/·[2J')
  })
})

describe('noticeRow', () => {
  test('shows level and message, and other lines as they are', () => {
    const line = JSON.stringify({ level: 'warn', time: 'now', msg: 'store is memory' })
    expect(noticeRow(line, plain)).toBe('vestibule warn  store is memory')
    expect(noticeRow('Error: x', plain)).toBe('Error: x')
  })
})

describe('readOptions', () => {
  test.each([
    [[], { check: false, port: undefined, store: 'memory' }],
    [['--redis', '--port', '8100'], { port: 8100, store: 'start' }],
    [
      ['--redis=redis://127.0.0.1:6379', '--check'],
      { check: true, store: 'redis://127.0.0.1:6379' },
    ],
  ])('reads %j', (args, wanted) => {
    expect(readOptions(args)).toMatchObject({ kind: 'run', ...wanted })
  })

  test.each([[['--prot', '1']], [['--port', 'x']], [['--redis=mysql://x']], [['extra']]])(
    'refuses %j',
    (args) => {
      expect(readOptions(args).kind).toBe('mistaken')
    },
  )
})

const startMain = (...args: readonly string[]) =>
  spawn(process.execPath, [join(import.meta.dirname, '../../demo/main.ts'), ...args])

const runMain = async (...args: readonly string[]) => {
  const child = startMain(...args)
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await once(child, 'close')) as [number | null]
  const [stdout, stderr] = await output
  return { code, stdout, stderr }
}

describe('npm run demo', () => {
  test('--help says what it does, and exits 0', async () => {
    const { code, stdout } = await runMain('--help')
    expect([code, stdout.split('\n')[0]]).toEqual([0, 'Usage: npm run demo -- [options]'])
  })

  test('--check goes through nginx, Vestibule and the identity provider', async () => {
    const { code, stdout, stderr } = await runMain('--check')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.trim().split('\n')).toEqual(Array(5).fill(expect.stringMatching(/^ok {6}/)))
  })

  test('prints what to try, stops at SIGTERM with exit code 0, and removes its folders', async () => {
    const child = startMain('--port', '0', '--idp-port', '0', '--redis')
    const closed = once(child, 'close')
    let printed = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      printed += String(chunk)
      if (printed.includes('\nDecisions\n')) child.kill('SIGTERM')
    }
    const folders = [...printed.matchAll(/\S*vestibule-(?:nginx|demo)-\w+/g)].map(([path]) => path)
    expect([await closed, printed.endsWith('Stopping.\n')]).toEqual([[0, null], true])
    expect(folders).toHaveLength(2)
    expect(folders.filter((path) => existsSync(path))).toEqual([])
  })

  test('a mistaken option exits 2', async () => {
    const { code, stderr } = await runMain('--chekc')
    expect([code, stderr.split('\n')[0]]).toEqual([2, expect.stringContaining('--chekc')])
  })
})
