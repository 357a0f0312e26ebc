import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { findPolicy } from '../../src/core/policy/policy.ts'
import { ANONYMOUS, type Principal } from '../../src/core/principal.ts'
import { type RecordedDecision } from '../../src/core/recorded-decision.ts'
import { readDecisionLine, readLines } from '../../src/edge/observe/decision-lines.ts'
import { createDecisionLog } from '../../src/edge/observe/decision-log.ts'
import { aPerson, aRequest, host, policiesOf } from '../support/policies.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vestibule-lines-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

let files = 0

/** Writes a decision as the service does, on a host whose policy names `sre` and long groups. */
const written = async (principal: Principal, path = '/'): Promise<string> => {
  const policies = await policiesOf({
    'app.yaml': `hosts: [app.test]\nsendGroups: ${JSON.stringify(LONG)}\npolicy: [{ allow: { and: [{ groups: { has: sre } }] } }]\n`,
  })
  files += 1
  const to = join(folder, `${files}.ndjson`)
  const log = createDecisionLog({
    to,
    nowMs: () => 1_800_000_000_123,
    onDropped: () => undefined,
  })
  const record = {
    id: 'd-1',
    request: aRequest({ path }),
    policy: findPolicy(policies, host('app.test')),
    policyVersion: policies.version,
    principal,
    credential: principal.kind === 'anonymous' ? 'none' : 'cookie',
    sessionKey: undefined,
    mode: 'enforce',
    decision: { effect: 'allow', reason: 'rule_matched', rule: 'app.yaml#1' },
  } as const
  const identity = { values: new Map() } as never
  log.write(
    { record, identity, assertion: '', groupsCut: 0 },
    { status: 200, notPassed: [], seconds: 0.001 },
  )
  for (
    let tries = 0;
    (await readFile(to, 'utf8').catch(() => '')) === '' && tries < 100;
    tries += 1
  ) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return await readFile(to, 'utf8')
}

const LONG = Array.from({ length: 40 }, (_each, index) => `${'g'.repeat(30)}${index}`)

const read = (line: string): RecordedDecision => {
  const decision = readDecisionLine(line)
  if (decision === undefined) throw new Error(line)
  return decision
}

const writtenGroups = async (principal: Principal): Promise<unknown> => {
  const line = JSON.parse(await written(principal)) as { readonly principal: object }
  const { groups, otherGroups, groupsCut } = line.principal as Record<string, unknown>
  return { groups, otherGroups, groupsCut }
}

describe('groups in the decision log', () => {
  test('are those that the policy of the host names, and how many others there are', async () => {
    expect(await writtenGroups(aPerson({ groups: ['sre', 'payroll', 'hr'] }))).toEqual({
      groups: ['sre'],
      otherGroups: 2,
    })
    expect(await writtenGroups(aPerson({ groups: ['sre'] }))).toEqual({ groups: ['sre'] })
    expect(await writtenGroups(aPerson({ groups: undefined }))).toEqual({ groups: null })
  })

  test('are cut, and counted, before they make the line too long', async () => {
    const found = await writtenGroups(aPerson({ groups: [...LONG, 'other'] }))
    expect(found).toMatchObject({ otherGroups: 1, groupsCut: 26 })
  })
})

describe('a decision line', () => {
  test('says what the decision was made of', async () => {
    const path = Buffer.from('/é', 'utf8').toString('latin1')
    const decision = read(await written(aPerson({ groups: ['sre', 'hr'] }), path))
    expect(decision).toMatchObject({
      id: 'd-1',
      time: 1_800_000_000,
      effect: 'allow',
      rule: 'app.yaml#1',
      isObserved: false,
      credential: 'cookie',
      groups: { kind: 'some', hasAllNamed: true },
      isPathClipped: false,
      request: { host: 'app.test', method: 'GET', path, clientIp: '203.0.113.7' },
      principal: {
        kind: 'authenticated',
        subject: 'alice',
        email: 'alice@example.com',
        groups: ['sre'],
      },
    })
  })

  test('says whether its groups are all', async () => {
    const kind = async (principal: Principal): Promise<unknown> =>
      read(await written(principal)).groups
    expect(await kind(aPerson({ groups: ['sre'] }))).toEqual({ kind: 'all', hasAllNamed: true })
    expect(await kind(aPerson({ groups: undefined }))).toEqual({ kind: 'all', hasAllNamed: true })
    expect(await kind(aPerson({ groups: LONG }))).toEqual({ kind: 'some', hasAllNamed: false })
    expect(read(await written(ANONYMOUS)).principal).toBe(ANONYMOUS)
  })

  test('of a path that was cut does not pass for the path', async () => {
    expect(read(await written(ANONYMOUS, `/${'x'.repeat(4000)}`)).isPathClipped).toBe(true)
    expect(read(await written(ANONYMOUS, '/\xff')).isPathClipped).toBe(true)
  })
})

test('lines are read whole, whatever the chunks, with or without a last line end', async () => {
  const file = join(folder, 'many')
  const lines = Array.from(
    { length: 5000 },
    (_each, index) => `${index} ${'é'.repeat(index % 200)}`,
  )
  await writeFile(file, lines.join('\n'))
  const found: string[] = []
  for await (const batch of readLines(file)) found.push(...batch)
  expect(found).toEqual(lines)
})
