import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { faultText } from '../../src/core/fault.ts'
import { readConfig } from '../../src/edge/config/config.ts'
import { type Environment } from '../../src/edge/config/environment.ts'
import { GOOD_CONFIG } from '../attacks/support-configuration.ts'
import { newKey } from '../attacks/support-replicas.ts'
import { writeFiles } from '../support/files.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vestibule-workers-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** The number of workers, or the faults. */
const workersIn = async (more: string, environment: Environment = {}): Promise<unknown> => {
  await writeFiles(folder, { 'v.yaml': `${GOOD_CONFIG}${more}` })
  const read = await readConfig(join(folder, 'v.yaml'), environment)
  return read.ok ? read.value.workers : read.failure.map(faultText)
}

const REDIS = { VESTIBULE_SESSION_STORE: 'redis://redis', VESTIBULE_SESSION_KEYS: newKey() }

test('workers that cannot share the store are a fault with place and remedy', async () => {
  expect(await workersIn('workers: 2\n')).toEqual([
    expect.stringMatching(
      /v\.yaml:\d+:10: workers: 2 workers cannot share session\.store: memory\. Set session\.store to a Redis that all workers share, or workers: 1\.$/,
    ),
  ])
  expect(await workersIn('', { VESTIBULE_WORKERS: '2' })).toEqual([
    expect.stringMatching(/^environment variable VESTIBULE_WORKERS: workers: 2 workers cannot/),
  ])
})

test.each([
  ['', {}, 1],
  ['workers: 1\n', {}, 1],
  ['workers: auto\n', {}, 'auto'],
  ['workers: 3\n', REDIS, 3],
  ['', { ...REDIS, VESTIBULE_WORKERS: '4' }, 4],
  ['', { VESTIBULE_WORKERS: 'auto' }, 'auto'],
] as const)('%j with %j means %j', async (more, environment, expected) => {
  expect(await workersIn(more, environment)).toBe(expected)
})

test.each(['workers: 65\n', 'workers: 1.5\n', 'workers: all\n', 'workers: "2"\n'])(
  'refuses %j',
  async (more) => {
    expect(await workersIn(more, REDIS)).toEqual([expect.stringContaining(': workers: ')])
  },
)

test('numbers can come from the environment', async () => {
  await writeFiles(folder, { 'v.yaml': GOOD_CONFIG })
  const read = await readConfig(join(folder, 'v.yaml'), { VESTIBULE_SESSION_MAX_PER_SUBJECT: '4' })
  expect(read.ok && read.value.session.maxPerSubject).toBe(4)
})
