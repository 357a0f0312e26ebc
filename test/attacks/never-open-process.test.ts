import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { freePort } from '../../demo/free-port.ts'
import { startVestibule, type Vestibule } from '../../demo/vestibule.ts'
import { verifyRequest } from '../support/verify-request.ts'
import { sendPartial } from './support-requests.ts'
import { hostileRequest } from './support-requests-arbitraries.ts'
import { readAnswers, runs, settings } from './support-requests-bulk.ts'
import { hostileBytes, mutated } from './support-requests-bytes.ts'
import { POLICIES } from './support-requests-policies.ts'

/** The service as it ships, in a process of its own, whose death or complaints would show. */
let vestibule: Vestibule
let folder: string
const decisions: string[] = []
const notices: string[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vestibule-attacks-'))
  for (const [name, text] of Object.entries(POLICIES)) writeFileSync(join(folder, name), text)
  vestibule = await startVestibule({
    publicUrl: 'https://auth.test',
    cookieDomain: 'test',
    issuer: 'http://127.0.0.1:1',
    policies: folder,
    ports: { verify: await freePort(), public: await freePort(), ops: await freePort() },
    store: 'memory',
    onDecision: (line) => decisions.push(line),
    onNotice: (line) => notices.push(line),
  })
})
afterAll(async () => {
  await vestibule.stop()
  rmSync(folder, { recursive: true, force: true })
})

const WIDE = 40

test('I7 a path with line separators in it is one line of the log to every reader', async () => {
  const path = '/%e2%80%a8%7b%22effect%22:%22allow%22%7d%e2%80%a9%c2%85%c2%9b2J%0a%0d%7f'
  const before = decisions.length
  const bytes = verifyRequest({ url: `https://lenient.test${path}`, host: 'lenient.test' })
  await sendPartial(vestibule.ports.verify, bytes)
  await vestibule.child.until(() => decisions.length > before)
  const [line = ''] = decisions.slice(before)
  expect(decisions.slice(before)).toHaveLength(1)
  expect(line).toMatch(/^[\x20-\x7e]+$/)
  expect(JSON.parse(line)).toMatchObject({ reason: 'not_signed_in', host: 'lenient.test' })
})

test('I1 the process outlives anything, says nothing of it, and ends when it is told to', async () => {
  const whole = verifyRequest({ url: 'https://admin.test/x', host: 'admin.test' })
  const message = fc.oneof(hostileBytes, mutated(whole), hostileRequest.map(verifyRequest))
  let answers = 0
  const property = fc.asyncProperty(
    fc.array(message, { minLength: WIDE, maxLength: WIDE }),
    async (messages) => {
      const texts = await Promise.all(
        messages.map(async (bytes) => await sendPartial(vestibule.ports.verify, bytes)),
      )
      const read = texts.flatMap((text) => readAnswers(text))
      answers += read.filter((each) => typeof each === 'object').length
      expect(read.filter((each) => typeof each === 'string')).toEqual([])
      expect(vestibule.child.hasEnded()).toBe(false)
    },
  )
  await fc.assert(property, settings(Math.ceil(runs(1200) / WIDE)))
  vestibule.child.signal('SIGTERM')
  expect(await vestibule.child.ended).toBe('ended with exit code 0')
  const said = notices.map((line) => (JSON.parse(line) as { readonly msg: string }).msg)
  expect(said.filter((text) => /uncaught|unhandled|internal|error/i.test(text))).toEqual([])
  expect(said.at(-1)).toBe('stopped')
  expect(decisions.length).toBeGreaterThanOrEqual(answers)
  for (const line of decisions) {
    expect(line.length).toBeLessThan(4096)
    expect(JSON.parse(line)).toHaveProperty('decision')
  }
})
