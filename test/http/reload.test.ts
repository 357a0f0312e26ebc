import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { headerOf } from '../support/raw-http.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

const policyOn = (path: string): string => `
hosts: [app.test]
policy:
  - allow: { and: [{ http_path: ${path} }] }
    public: true
    owner: ops@test
    until: 2099-01-01
`

let vestibule: Vestibule

beforeAll(async () => {
  vestibule = await startVestibule({ policies: { 'app.yaml': policyOn('/one') } })
})
afterAll(() => vestibule.stop())

const statusOf = async (path: string): Promise<number> =>
  (await askVerify(vestibule.verifyPort, { url: `https://app.test${path}` })).status

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + 10_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('waited too long')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('a broken file changes no answer under load; a mended one is in force with its version', async () => {
  const seen = new Set<number>()
  const done = new AbortController()
  const load = (async (): Promise<void> => {
    while (!done.signal.aborted) seen.add(await statusOf('/one'))
  })()
  await vestibule.writePolicy('app.yaml', 'hosts: [app.test]\npolicy:\n  - alow: {}\n')
  await until(() => vestibule.notices().some((line) => line.includes('app.yaml:3:5')))
  expect(await vestibule.metrics()).toContain('vestibule_policy_reload_failures_total 1')
  expect((await fetch(`http://${vestibule.addresses.ops}/readyz`)).status).toBe(200)
  done.abort()
  await load
  expect([...seen]).toEqual([200])

  const before = headerOf(await askVerify(vestibule.verifyPort, {}), 'x-vestibule-reason')
  expect(before).toBe('no_rule_matched')
  const oldVersion = (await vestibule.decisions(1)).at(-1)?.['policyVersion']
  await vestibule.writePolicy('app.yaml', policyOn('/two'))
  await until(async () => (await statusOf('/two')) === 200)
  expect(await statusOf('/one')).toBe(403)
  await until(async () => (await vestibule.decisions()).at(-1)?.['policyVersion'] !== oldVersion)
})
