import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

const MODULE = join(import.meta.dirname, '../../src/service/memory-shares.ts')

const keptWith = (heapMegabytes: number): number => {
  const code = `import(${JSON.stringify(MODULE)}).then((m) => console.log(m.keptSessionBytes()))`
  const args = [`--max-old-space-size=${heapMegabytes}`, '-e', code]
  return Number(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout)
}

test('sessions that are kept leave most of a small heap to everything else', () => {
  const kept = keptWith(192)
  expect(kept).toBeGreaterThan(16 * 1024 * 1024)
  expect(kept).toBeLessThan((192 + 64) * 1024 * 1024 * 0.3)
})

test('however large the heap is, no more than 256 MiB are kept', () => {
  expect(keptWith(8192)).toBe(256 * 1024 * 1024)
})
