import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { faultText } from '../../src/core/fault.ts'
import { findPolicy } from '../../src/core/policy/policy.ts'
import { loadPolicies } from '../../src/edge/policies/policy-folder.ts'
import { host, policiesOf } from '../support/policies.ts'
import { GOOD, withHosts } from './support-policy-files.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vestibule-attack-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** One line for each fault, found within a second whatever lies there. */
const faultsOfFolder = async (path = folder): Promise<readonly string[]> => {
  const startedAt = performance.now()
  const loaded = await loadPolicies(path)
  // A bound on hanging, not on speed: machines are slow at times.
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  return loaded.ok ? [] : loaded.failure.map(faultText)
}

/** Root may read anything; the file system of anybody else is what counts. */
const asOrdinaryUser = async <Value>(action: () => Promise<Value>): Promise<Value> => {
  if (process.getuid?.() !== 0) return await action()
  process.seteuid?.(65_534)
  try {
    return await action()
  } finally {
    process.seteuid?.(0)
  }
}

const PUT: Readonly<Record<string, (path: string) => void>> = {
  'a folder': (path) => mkdirSync(path),
  'a named pipe': (path) => execFileSync('mkfifo', [path]),
  'a link to itself': (path) => symlinkSync(path, path),
  'a link to nothing': (path) => symlinkSync('./gone', path),
  'a link to a device without end': (path) => symlinkSync('/dev/zero', path),
  'a link to a terminal': (path) => symlinkSync('/dev/tty', path),
  '50 MB': (path) => {
    writeFileSync(path, GOOD)
    truncateSync(path, 50_000_000)
  },
  '300 KB of comments': (path) => writeFileSync(path, `${GOOD}${'# x\n'.repeat(75_000)}`),
  'UTF-16 with its mark': (path) => writeFileSync(path, Buffer.from(`\ufeff${GOOD}`, 'utf16le')),
  'UTF-16 without': (path) => writeFileSync(path, Buffer.from(GOOD, 'utf16le')),
  'UTF-32': (path) => writeFileSync(path, Buffer.from(GOOD.split('').join('\0\0\0'))),
  'bytes that are no UTF-8': (path) =>
    writeFileSync(path, Buffer.from(`${GOOD}# \xff\n`, 'latin1')),
  'half of a character': (path) => writeFileSync(path, Buffer.from([0x23, 0xe4, 0xb8])),
  'random bytes': (path) => writeFileSync(path, Buffer.from('f09f988000ff', 'hex')),
  nothing: (path) => writeFileSync(path, ''),
}

describe('P1 P2 what lies where a policy file should', () => {
  test.each(Object.keys(PUT))('%s is refused, at once', async (what) => {
    writeFileSync(join(folder, 'good.yaml'), GOOD)
    PUT[what]?.(join(folder, 'bad.yaml'))
    const faults = await faultsOfFolder()
    expect(faults.length).toBeGreaterThan(0)
    for (const fault of faults)
      expect(fault).toMatch(/^bad\.yaml(?::\d+:\d+)?: \S.*[a-zA-Z0-9)]\. \S/)
  })

  test('a file that nobody may read is refused', async () => {
    writeFileSync(join(folder, 'bad.yaml'), GOOD, { mode: 0o000 })
    chmodSync(folder, 0o755)
    const faults = await asOrdinaryUser(faultsOfFolder)
    expect(faults).toEqual(['bad.yaml: may not be read. Check its owner and mode.'])
  })

  test('a folder that nobody may read is refused', async () => {
    writeFileSync(join(folder, 'good.yaml'), GOOD)
    chmodSync(folder, 0o000)
    const faults = await asOrdinaryUser(faultsOfFolder)
    chmodSync(folder, 0o700)
    expect(faults).toEqual([expect.stringContaining('is not a folder that can be read')])
  })

  test('a folder that is none is refused', async () => {
    writeFileSync(join(folder, 'good.yaml'), GOOD)
    for (const path of ['gone', 'good.yaml', 'a\0b', 'x'.repeat(5000)]) {
      expect(await faultsOfFolder(join(folder, path))).toHaveLength(1)
    }
  })

  test.each(['README.md', '.hidden.yaml', 'app.cases.yaml', 'app.yaml~', 'app.yaml.bak', 'yaml'])(
    'a folder with nothing but %s has no policy',
    async (name) => {
      writeFileSync(join(folder, name), GOOD)
      expect(await faultsOfFolder()).toEqual([expect.stringContaining('holds no policy file')])
    },
  )

  test("Kubernetes' links into ..data are followed", async () => {
    mkdirSync(join(folder, '..2026'))
    writeFileSync(join(folder, '..2026', 'app.yaml'), GOOD)
    symlinkSync('..2026', join(folder, '..data'))
    symlinkSync('..data/app.yaml', join(folder, 'app.yaml'))
    expect(await faultsOfFolder()).toEqual([])
  })

  test('one bad file among good ones refuses all of them, and every fault is told', async () => {
    writeFileSync(join(folder, 'a.yaml'), GOOD)
    writeFileSync(join(folder, 'b.yaml'), 'hosts: [https://b.test]\nowner: ""\n')
    writeFileSync(join(folder, 'c.yaml'), 'hosts: [c.test\n')
    writeFileSync(join(folder, 'd.yaml'), withHosts('[app.test]'))
    const files = (await faultsOfFolder()).map((fault) => fault.slice(0, 6))
    expect(new Set(files)).toEqual(new Set(['b.yaml', 'c.yaml', 'd.yaml']))
    expect(files.filter((file) => file === 'b.yaml').length).toBeGreaterThanOrEqual(3)
  })
})

describe('P7 hosts that more than one pattern covers', () => {
  const PATTERNS = ['*.a.test', '*.b.a.test', 'x.b.a.test'] as const
  const ORDERS = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ]

  test.each(ORDERS)('in the order %i %i %i the closest one decides', async (...order) => {
    const files = order.map((which, place): readonly [string, string] => {
      const pattern = PATTERNS[which] ?? ''
      return [
        `${place}.yaml`,
        withHosts(`["${pattern}"]`).replace('policy', `owner: team-${which}\npolicy`),
      ]
    })
    const together = `hosts: [${order.map((which) => `"${PATTERNS[which]}"`).join(', ')}]\n`
    const apart = await policiesOf(Object.fromEntries(files))
    const inOne = await policiesOf({ 'all.yaml': GOOD.replace(/hosts.*\n/, together) })
    for (const [name, label] of [
      ['x.b.a.test', 'x.b.a.test'],
      ['y.b.a.test', '*.b.a.test'],
      ['y.x.b.a.test', '*.b.a.test'],
      ['b.a.test', '*.a.test'],
      ['c.a.test', '*.a.test'],
      ['c.d.a.test', '*.a.test'],
      ['a.test', undefined],
      ['xa.test', undefined],
      ['test', undefined],
      ['b.test', undefined],
    ] as const) {
      expect([name, findPolicy(apart, host(name))?.label]).toEqual([name, label])
      expect([name, findPolicy(inOne, host(name))?.label]).toEqual([name, label])
    }
  })

  // E30: these names are properties of every object.
  test.each(['constructor', 'tostring', 'hasownproperty', 'valueof', 'proto', 'prototype'])(
    'no policy is found for the host %s',
    async (name) => {
      const policies = await policiesOf({ 'app.yaml': GOOD })
      expect(findPolicy(policies, host(name))).toBeUndefined()
      expect(findPolicy(policies, host(`${name}.app.test`))).toBeUndefined()
    },
  )
})

describe('P17 many policies', () => {
  test('10,000 hosts in ten files load in bounded time, and all are found', async () => {
    const hosts = (file: number): readonly string[] =>
      Array.from({ length: 1000 }, (_, index) => `h${index}.f${file}.example.com`)
    const files = Array.from({ length: 10 }, (_, file): readonly [string, string] => [
      `${file}.yaml`,
      withHosts(`[${hosts(file).join(', ')}]`),
    ])
    const startedAt = performance.now()
    const policies = await policiesOf(Object.fromEntries(files))
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(policies.exact.size).toBe(10_000)
    for (let file = 0; file < 10; file += 1) {
      for (const name of hosts(file)) expect(findPolicy(policies, host(name))?.label).toBe(name)
    }
  }, 30_000)

  test('1,000 files of ten rules load in bounded time', async () => {
    const rule = '  - allow: { and: [ { groups: { has: sre } }, { http_path: /x } ] }\n'
    const files = Array.from({ length: 1000 }, (_, file): readonly [string, string] => [
      `${file}.yaml`,
      `hosts: [h${file}.example.com]\npolicy:\n${rule.repeat(10)}`,
    ])
    const startedAt = performance.now()
    const policies = await policiesOf(Object.fromEntries(files))
    expect(performance.now() - startedAt).toBeLessThan(20_000)
    expect(policies.exact.size).toBe(1000)
  }, 30_000)
})
