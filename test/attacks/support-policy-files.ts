import { expect } from '@jest/globals'
import { faultsOf } from '../support/policies.ts'

const RULE = 'policy:\n  - allow: { and: [ { authenticated_user: true } ] }\n'

/** A good file with other hosts. */
export const withHosts = (hosts: string): string => `hosts: ${hosts}\n${RULE}`

/** A good file with another first condition of its allow. */
export const withCondition = (condition: string): string =>
  `hosts: [app.test]\npolicy:\n  - allow:\n      and:\n        - authenticated_user: true\n        - ${condition}\n`

/** A good file with other rules, in flow style. */
export const withRules = (rules: string): string => `hosts: [app.test]\npolicy: ${rules}\n`

export const GOOD = withHosts('[app.test]')

/** `file:line:column: key: problem. Remedy.`, on one line each. */
export const FAULT = /^app\.yaml(?::[0-9]+:[0-9]+)?: (?:\S+: )?\S.*\. \S.*[.?)]$/

/** Refused with a place, a problem and a remedy, quickly, and without a stack. */
export const expectFaults = async (text: string, problem: RegExp = /./): Promise<void> => {
  const startedAt = performance.now()
  const faults = await faultsOf({ 'app.yaml': text })
  // A bound on hanging, not on speed: machines are slow at times.
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  expect(faults.join('\n')).toMatch(problem)
  for (const fault of faults) expect(fault).toMatch(FAULT)
}

export const expectLoads = async (text: string): Promise<void> => {
  expect(await faultsOf({ 'app.yaml': text })).toEqual([])
}
