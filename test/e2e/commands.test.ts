import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { until } from './support-world.ts'

jest.setTimeout(60_000)

const ROOT = resolve(import.meta.dirname, '../..')

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vestibule-e2e-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

type Ended = {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const isRunning = (group: number): boolean => {
  try {
    return process.kill(-group, 0)
  } catch {
    return false
  }
}

const streamText = async (stream: ChildProcess['stdout']): Promise<string> =>
  stream === null ? '' : await text(stream)

/**
 * Runs a command as the leader of a process group, with a temporary folder of its own; fails when
 * something that it started goes on running.
 */
const run = async (command: string, args: readonly string[]): Promise<Ended> => {
  const child = spawn(command, args, {
    cwd: ROOT,
    detached: true,
    // Node keeps what it compiled where NODE_COMPILE_CACHE says, not in the temporary folder.
    env: { ...process.env, TMPDIR: folder },
  })
  const group = child.pid ?? 0
  try {
    const closed = once(child, 'close') as Promise<[number | null]>
    const [[code], stdout, stderr] = await Promise.all([
      closed,
      streamText(child.stdout),
      streamText(child.stderr),
    ])
    await until(() => !isRunning(group), 'everything that was started to end', 5000)
    return { code, stdout, stderr }
  } finally {
    if (isRunning(group)) process.kill(-group, 'SIGKILL')
  }
}

describe('npm run demo -- --check', () => {
  test.each([[[]], [['--redis']]])(
    'says ok with %j, exits 0, and leaves neither process nor file behind',
    async (options) => {
      const ended = await run('npm', ['run', '--silent', 'demo', '--', '--check', ...options])
      expect(ended.stdout.trim().split('\n')).toEqual(Array(5).fill(expect.stringMatching(/^ok /)))
      expect([ended.code, ended.stderr]).toEqual([0, ''])
      expect(readdirSync(folder)).toEqual([])
    },
  )
})

describe('vestibule serve', () => {
  const serve = async (config: string): Promise<Ended> => {
    const file = join(folder, 'vestibule.yaml')
    writeFileSync(file, config)
    return await run(process.execPath, ['src/main.ts', 'serve', '--config', file])
  }

  const CONFIG = `publicUrl: https://auth.example.com
cookie: { domain: example.com }
identityProvider: { issuer: https://idp.example.com, clientId: vestibule }
policies: ./policies
`

  test('does not start with a broken configuration: exit 2, each fault with file and line', async () => {
    const { code, stdout, stderr } = await serve(
      `${CONFIG}sesion: { store: memory }\nlisten: 8080\n`,
    )
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`${folder}/vestibule.yaml:5:`)
    expect(stderr).toContain(`${folder}/vestibule.yaml:6:`)
    expect(stderr).toContain('session')
  })

  test('does not start with a broken policy: exit 2, with file and line', async () => {
    mkdirSync(join(folder, 'policies'))
    const policy = 'hosts: [a.example.com]\npolicy:\n  - alow: { and: [ { user: x } ] }\n'
    writeFileSync(join(folder, 'policies', 'a.yaml'), policy)
    const { code, stderr } = await serve(CONFIG)
    expect(code).toBe(2)
    expect(stderr).toMatch(/a\.yaml:3:5: /)
  })

  test('does not start without a configuration: exit 2, and says how to name one', async () => {
    const { code, stderr } = await run(process.execPath, ['src/main.ts', 'serve'])
    expect(code).toBe(2)
    expect(stderr).toContain('--config')
  })
})
