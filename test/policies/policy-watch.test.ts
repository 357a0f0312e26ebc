import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { faultText } from '../../src/core/fault.ts'
import { loadPolicies } from '../../src/edge/policies/policy-folder.ts'
import { type PolicyWatch, watchPolicies } from '../../src/edge/policies/policy-watch.ts'

const policyFor = (group: string): string =>
  `hosts: [app.test]\npolicy:\n  - allow: { and: [{ groups: { has: ${group} } }] }\n`

let folder: string
let refused: string[][]
let loaded: string[]
let watch: PolicyWatch

const until = async (condition: () => boolean): Promise<void> => {
  const deadline = performance.now() + 5000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited too long')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const start = async (path: string): Promise<void> => {
  const initial = await loadPolicies(path)
  if (!initial.ok) throw new Error('the first set is broken')
  watch = watchPolicies({
    folder: path,
    initial: initial.value,
    intervalMs: 100,
    onLoaded: ({ version }) => loaded.push(version),
    onRefused: (faults) => refused.push(faults.map(faultText)),
  })
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vestibule-watch-'))
  refused = []
  loaded = []
})
afterEach(async () => {
  watch.close()
  await rm(folder, { recursive: true, force: true })
})

describe('watchPolicies', () => {
  test('takes over an edited file as a whole new set', async () => {
    await writeFile(join(folder, 'app.yaml'), policyFor('a'))
    await start(folder)
    const before = watch.current()
    await writeFile(join(folder, 'app.yaml'), policyFor('b'))
    await until(() => loaded.length === 1)
    expect(watch.current().version).not.toBe(before.version)
    expect(watch.current().exact.get('app.test')?.groups).toEqual(new Set(['b']))
  })

  test('keeps the last good set over a broken file, says where it is broken, once, and recovers', async () => {
    await writeFile(join(folder, 'app.yaml'), policyFor('a'))
    await start(folder)
    const before = watch.current()
    await writeFile(join(folder, 'app.yaml'), 'hosts: [app.test]\npolicy:\n  - alow: {}\n')
    await until(() => refused.length > 0)
    expect(watch.current()).toBe(before)
    expect(refused[0]?.[0]).toMatch(
      /^app\.yaml:3:5: policy\[0\]\.alow: is not a known key\. Did you mean allow\?$/,
    )
    await writeFile(join(folder, 'app.yaml'), policyFor('c'))
    await until(() => loaded.length === 1)
    expect(refused).toHaveLength(1)
    expect(watch.current().exact.get('app.test')?.groups).toEqual(new Set(['c']))
  })

  test("sees Kubernetes' swap of the ..data link", async () => {
    await mkdir(join(folder, '..one'))
    await mkdir(join(folder, '..two'))
    await writeFile(join(folder, '..one', 'app.yaml'), policyFor('a'))
    await writeFile(join(folder, '..two', 'app.yaml'), policyFor('b'))
    await symlink('..one', join(folder, '..data'))
    await symlink('..data/app.yaml', join(folder, 'app.yaml'))
    await start(folder)
    await symlink('..two', join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    await until(() => loaded.length === 1)
    expect(watch.current().exact.get('app.test')?.groups).toEqual(new Set(['b']))
  })

  test('keeps the last good set when the folder is emptied or goes away', async () => {
    await writeFile(join(folder, 'app.yaml'), policyFor('a'))
    await start(folder)
    const before = watch.current()
    await rm(folder, { recursive: true })
    await until(() => refused.length > 0)
    expect(watch.current()).toBe(before)
  })
})
