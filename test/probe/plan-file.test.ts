import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { faultText } from '../../src/core/fault.ts'
import { type ReadyPlan, readPlan } from '../../src/edge/probe/plan-file.ts'
import { writeFiles } from '../support/files.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vestibule-plan-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const ENVIRONMENT = { ALICE: 'alices-session', BOB: 'bobs-session' }

const PLAN = `signIn: https://auth.example.com/oauth2/start
callers:
  alice: { cookieEnv: ALICE, subject: alice }
  bob: { cookieEnv: BOB }
hosts:
  - origin: https://grafana.example.com
    right: [{ caller: alice }]
    wrong: [{ caller: bob, path: /admin }]
`

const read = async (plan: string, environment: Readonly<Record<string, string>> = ENVIRONMENT) => {
  await writeFiles(folder, { 'plan.yaml': plan })
  return await readPlan(join(folder, 'plan.yaml'), environment)
}

const ready = async (plan: string): Promise<ReadyPlan> => {
  const result = await read(plan)
  if (!result.ok) throw new Error(result.failure.map(faultText).join('\n'))
  return result.value
}

const faults = async (
  plan: string,
  environment?: Readonly<Record<string, string>>,
): Promise<readonly string[]> => {
  const result = await read(plan, environment)
  return result.ok
    ? []
    : result.failure.map((fault) => faultText(fault).replaceAll(`${folder}/`, ''))
}

describe('a plan that says the least', () => {
  test('asks for GET /, for sign-in, enforced, and for all six identity headers', async () => {
    const { plan, deadlineMs, cookieName } = await ready(PLAN)
    expect([deadlineMs, cookieName, plan.identityHeaders.length]).toEqual([
      5000,
      '__Secure-vestibule',
      6,
    ])
    expect(plan.hosts).toEqual([
      {
        host: 'grafana.example.com',
        origin: 'https://grafana.example.com',
        address: undefined,
        mode: 'enforce',
        anonymous: { path: '/', answer: 'sign_in' },
        right: [{ caller: 'alice', method: 'GET', path: '/', status: 200 }],
        wrong: [{ caller: 'bob', method: 'GET', path: '/admin', reason: undefined }],
        identity: undefined,
        direct: [],
        line: 6,
      },
    ])
  })

  test('may keep cookies and tokens in files beside it', async () => {
    await writeFiles(folder, { 'alice.cookie': 'from-a-file\n' })
    const { secrets } = await ready(PLAN.replace('cookieEnv: ALICE', 'cookieFile: alice.cookie'))
    expect(secrets.get('alice')?.reveal()).toBe('from-a-file')
  })

  test('holds secrets that do not print', async () => {
    const all = await ready(PLAN)
    expect(`${JSON.stringify([...all.secrets])}${inspect(all, { depth: 9 })}`).not.toContain(
      'session',
    )
  })
})

describe('a fault of the plan is told with its line', () => {
  const change = (from: string | RegExp, to: string): string => {
    const changed = PLAN.replace(from, to)
    if (changed === PLAN) throw new Error(`${String(from)} is not in the plan`)
    return changed
  }

  test.each([
    [
      'a key that nobody knows',
      change('    wrong', '    rong: []\n    wrong'),
      'plan.yaml:8:5: hosts[0].rong: is not a known key. Did you mean wrong?',
    ],
    [
      'a caller that is not there',
      change('caller: bob', 'caller: bop'),
      'plan.yaml:8:23: hosts[0].wrong[0].caller: callers has no bop. Did you mean bob?',
    ],
    [
      'a secret in the plan',
      change('cookieEnv: BOB', 'cookie: bobs-session'),
      'plan.yaml:4:18: callers.bob.cookie: is a secret, and none stands in a plan. Use cookieEnv, cookieFile, tokenEnv or tokenFile.',
    ],
    [
      'a caller without a credential',
      change('{ cookieEnv: BOB }', '{ subject: bob }'),
      'plan.yaml:4:8: callers.bob: has no credential. Write cookieEnv, cookieFile, tokenEnv or tokenFile.',
    ],
    [
      'two credentials',
      change('cookieEnv: BOB', 'cookieEnv: BOB, tokenEnv: BOB'),
      'plan.yaml:4:8: callers.bob: has both cookieEnv and tokenEnv. Keep one of them.',
    ],
    [
      'a variable that is not set',
      change('cookieEnv: BOB', 'cookieEnv: CAROL'),
      'plan.yaml:4:8: callers.bob: the environment has no CAROL. Set it, or name a file.',
    ],
    [
      'a file that is not there',
      change('cookieEnv: BOB', 'cookieFile: ./bob'),
      'plan.yaml:4:8: callers.bob: ./bob does not exist. Check the path.',
    ],
    [
      'an origin with a path',
      change('grafana.example.com', 'grafana.example.com/login'),
      'plan.yaml:6:13: hosts[0].origin: is not an origin. Write https://app.example.com, without a path.',
    ],
    [
      'a key that is not there',
      change(/ {4}right.*\n/, ''),
      'plan.yaml:6:5: hosts[0].right: is missing. Add it (expected array).',
    ],
    [
      'nobody who may not pass',
      change(/ {4}wrong.*/, '    wrong: []'),
      'plan.yaml:8:12: hosts[0].wrong: names nobody. Name a caller whom the policy refuses.',
    ],
    [
      'a reason that no decision has',
      change('path: /admin', 'reason: nope'),
      'plan.yaml:8:36: hosts[0].wrong[0].reason: is no reason. docs/decisions.md lists them.',
    ],
    [
      'a deadline that is none',
      `${PLAN}deadline: 2h\n`,
      'plan.yaml:9:11: deadline: is not a duration up to 60s. Write 5s.',
    ],
    [
      'a sign-in that is not named',
      change(/^signIn.*\n/, ''),
      'plan.yaml:5:5: hosts[0]: sends people to sign in, and the plan does not say where. Add signIn: https://auth.example.com/oauth2/start, or anonymous: { answer: "401" }.',
    ],
    [
      'a way around without its scheme',
      `${PLAN}    direct: [{ url: grafana.monitoring/ }]\n`,
      'plan.yaml:9:21: hosts[0].direct[0].url: is not a URL. Write http://grafana.monitoring.svc.cluster.local/, with its path.',
    ],
    [
      'one host twice, in other letters',
      PLAN + PLAN.slice(PLAN.indexOf('  - origin')).replace('grafana', 'GRAFANA'),
      'plan.yaml:9:13: hosts[1].origin: is a host of this plan already. Keep one entry for each host.',
    ],
  ])('%s', async (_name, plan, expected) => {
    expect(await faults(plan)).toEqual([expected])
  })

  test('a cookie that would end the header is refused, and not repeated', async () => {
    const hostile = { ...ENVIRONMENT, BOB: 'x\r\nX-Evil: 1' }
    const [fault = ''] = await faults(PLAN, hostile)
    expect(fault).toContain('BOB does not hold the value of a cookie')
    expect(fault).not.toContain('Evil')
  })

  test('all of them at once', async () => {
    const plan = change('caller: bob', 'caller: bop').replace('BOB', 'NOBODY')
    expect(await faults(plan)).toHaveLength(2)
  })

  test('a name that every object has is no variable and no caller', async () => {
    expect(await faults(change('cookieEnv: BOB', 'cookieEnv: toString'))).toEqual([
      expect.stringContaining('the environment has no toString'),
    ])
    expect(await faults(change('caller: bob', 'caller: toString'))).toEqual([
      expect.stringContaining('callers has no toString'),
    ])
  })
})
