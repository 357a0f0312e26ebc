import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { runCli } from '../../src/commands/cli.ts'
import {
  generateAssertionJwk,
  parseAssertionKeys,
} from '../../src/edge/assertion/assertion-keys.ts'
import { parseKeyRing, randomKeyRing } from '../../src/edge/sessions/key-ring.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vestibule-keys-'))
  file = join(folder, 'keys')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const idsIn = async (): Promise<readonly string[]> => {
  const ring = parseKeyRing(await readFile(file, 'utf8'))
  return ring.ok ? ring.value.map(({ id }) => id) : []
}

describe('keys rotate', () => {
  test('in two steps, a new key is known before it is used, and none is lost', async () => {
    const [key] = randomKeyRing()
    await writeFile(file, `${key.bytes.toString('base64url')}\n`)
    expect(await runCli(['keys', 'rotate', 'session', file, '--stage'], {})).toBe(0)
    const staged = await idsIn()
    expect(staged[0]).toBe(key.id)
    expect(staged).toHaveLength(2)
    expect(await runCli(['keys', 'rotate', 'session', file, '--promote'], {})).toBe(0)
    expect(await idsIn()).toEqual(staged.toReversed())
  })

  test('in one step puts a new key first and keeps as many as asked for', async () => {
    const keys = Array.from({ length: 4 }, () => randomKeyRing()[0])
    await writeFile(file, keys.map(({ bytes }) => bytes.toString('base64url')).join('\n'))
    expect(await runCli(['keys', 'rotate', 'session', file, '--keep', '2'], {})).toBe(0)
    const ids = await idsIn()
    expect(ids).toHaveLength(2)
    expect(ids[1]).toBe(keys[0]?.id)
  })

  test('stages assertion keys alike', async () => {
    await writeFile(file, JSON.stringify({ keys: [await generateAssertionJwk()] }))
    const before = await parseAssertionKeys(await readFile(file, 'utf8'))
    expect(await runCli(['keys', 'rotate', 'assertion', file, '--stage'], {})).toBe(0)
    const after = await parseAssertionKeys(await readFile(file, 'utf8'))
    if (!before.ok || !after.ok) throw new Error('no keys')
    expect(after.value).toHaveLength(2)
    expect(after.value[0].kid).toBe(before.value[0].kid)
  })

  test('leaves a file that holds no keys as it is', async () => {
    await writeFile(file, 'not a key\n')
    expect(await runCli(['keys', 'rotate', 'session', file], {})).toBe(2)
    expect(await readFile(file, 'utf8')).toBe('not a key\n')
  })
})
