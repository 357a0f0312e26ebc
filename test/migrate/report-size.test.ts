import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createWorkplace, type Workplace } from '../commands/policy-reports-support.ts'
import {
  aLine,
  clusterYaml,
  logOf,
  nameless,
  OBSERVE,
  person,
  policyYaml,
} from './support-report.ts'

/** `VESTIBULE_TEST_LINES=2000000` measures more. */
const LINES = Number(process.env['VESTIBULE_TEST_LINES'] ?? 300_000)
const MAIN = resolve(import.meta.dirname, '../../src/main.ts')
const HOST = 'app.example.com'

let place: Workplace

beforeAll(async () => {
  place = await createWorkplace()
  await place.write({
    'cluster.yaml': clusterYaml([{ host: HOST }]),
    'policies/app.yaml': policyYaml(HOST, OBSERVE),
  })
})

afterAll(async () => {
  await place.remove()
})

const addressOf = (index: number): string =>
  `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`

/** No caller comes twice, and every other one has no name and asks for a path of his own. */
function* log(): Generator<string> {
  for (let index = 0; index < LINES; index += 2) {
    yield logOf([
      aLine(HOST, index % 90, { principal: person(`somebody-${index}`) }),
      nameless(HOST, index % 90, {
        clientIp: addressOf(index),
        path: `/${'x'.repeat(900)}${index}`,
      }),
    ])
  }
}

test(`reports on ${LINES} decisions of as many callers from a pipe in a heap of 160 MB`, async () => {
  const args = ['migrate', 'report', 'cluster.yaml', '--policies', 'policies', '--log', '-']
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=160', MAIN, ...args, '--html', 'report.html', '--at', '2026-12-01'],
    { cwd: join(place.folder), stdio: ['pipe', 'pipe', 'pipe'] },
  )
  const out = text(child.stdout)
  const err = text(child.stderr)
  const ended = once(child, 'close')
  await pipeline(Readable.from(log()), child.stdin)
  const [code] = (await ended) as [number]
  expect([code, (await err).replace(/^[0-9,]+ decisions, [0-9]+ s\n/gm, '')]).toEqual([0, ''])
  expect(await out).toContain(`${LINES.toLocaleString('en')} requests`)
  expect(await out).toContain('and more;')
}, 120_000)
