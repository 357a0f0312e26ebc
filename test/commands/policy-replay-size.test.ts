import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  aLine,
  appPolicy,
  createWorkplace,
  person,
  SRE,
  type Workplace,
} from './policy-reports-support.ts'

/** `VESTIBULE_TEST_LINES=1000000` measures the million. */
const LINES = Number(process.env['VESTIBULE_TEST_LINES'] ?? 200_000)
const MAIN = resolve(import.meta.dirname, '../../src/main.ts')

let place: Workplace

beforeAll(async () => {
  place = await createWorkplace()
  await place.write({ 'new/app.yaml': appPolicy(SRE) })
})

afterAll(async () => {
  await place.remove()
})

/** Every third caller is in no group any more, and none comes twice. */
function* log(): Generator<string> {
  const line = aLine({ principal: person('SUBJECT', ['GROUP']) })
  const [before = '', between = '', mail = '', after = ''] = line.split(/SUBJECT|GROUP/)
  for (let index = 0; index < LINES; ) {
    const lines: string[] = []
    for (const end = Math.min(LINES, index + 1000); index < end; index += 1) {
      const group = index % 3 === 0 ? 'staff' : 'sre'
      lines.push(`${before}${index}${between}${index}${mail}${group}${after}\n`)
    }
    yield lines.join('')
  }
}

test(`replays ${LINES} decisions from a pipe in a heap of 128 MB`, async () => {
  const command = ['policy', 'replay', '--log', '-', '--policies', `${place.folder}/new`, '--json']
  const child = spawn(process.execPath, ['--max-old-space-size=128', MAIN, ...command], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const begin = performance.now()
  const out = text(child.stdout)
  const err = text(child.stderr)
  const ended = once(child, 'close')
  await pipeline(Readable.from(log()), child.stdin)
  const [code] = (await ended) as [number]
  const lost = Math.ceil(LINES / 3)
  expect({ code, err: (await err).replace(/^[0-9,]+ decisions, [0-9]+ s\n/gm, '') }).toEqual({
    code: 1,
    err: '',
  })
  expect(JSON.parse(await out)).toMatchObject({ requests: LINES, lost, unchanged: LINES - lost })
  if (LINES > 200_000) console.log(`${LINES} lines in ${Math.round(performance.now() - begin)} ms`)
}, 120_000)
