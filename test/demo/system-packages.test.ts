import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { withoutServiceStart } from '../../demo/policy-rc.ts'
import { ensureCommands } from '../../demo/system-packages.ts'

let folder: string
let policy: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vestibule-policy-'))
  policy = join(folder, 'policy-rc.d')
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

const failing = () => {
  throw new Error('apt failed')
}

describe('ensureCommands', () => {
  test('says nothing where everything is installed', () => {
    const said: string[] = []
    const setup = ensureCommands(['nginx', 'redis-server'], (line) => said.push(line))
    expect([setup, said]).toEqual([{ kind: 'ready', installed: [] }, []])
  })

  test('refuses a command that it does not know', () => {
    expect(() => ensureCommands(['no-such-command'])).toThrow('unknown command no-such-command')
  })
})

describe('withoutServiceStart', () => {
  test('forbids packages to start services, only meanwhile', () => {
    const during = withoutServiceStart(() => {
      expect(statSync(policy).mode & 0o111).not.toBe(0)
      return readFileSync(policy, 'utf8')
    }, policy)
    expect(during).toContain('exit 101')
    expect(existsSync(policy)).toBe(false)
  })

  test('lifts the ban after a failure too', () => {
    expect(() => withoutServiceStart(failing, policy)).toThrow('apt failed')
    expect(existsSync(policy)).toBe(false)
  })

  test("leaves the administrator's own script as it is", () => {
    writeFileSync(policy, '#!/bin/sh\nexit 0\n')
    withoutServiceStart(() => {}, policy)
    expect(readFileSync(policy, 'utf8')).toBe('#!/bin/sh\nexit 0\n')
  })
})
