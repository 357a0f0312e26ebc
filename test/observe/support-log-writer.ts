import { createDecisionLog } from '../../src/edge/observe/decision-log.ts'
import { aPerson, aRequest } from '../support/policies.ts'

/** Writes so many decisions to standard output, as one of several processes that do. */
const [name = '', count = '0', isShared = 'true', to = 'stdout'] = process.argv.slice(2)

const log = createDecisionLog({
  to,
  isShared: isShared === 'true',
  nowMs: () => 1_800_000_000_123,
  onDropped: () => undefined,
})

/** Short, long, longer than a pipe takes as a whole, and in letters of three bytes. */
const subjects = ['ada', 'b'.repeat(1500), 'c'.repeat(6000), '語'.repeat(1300)]

for (let index = 0; index < Number(count); index += 1) {
  const record = {
    id: `${name}-${index}`,
    request: aRequest({ path: `/${'p'.repeat(index % 700)}` }),
    policy: undefined,
    policyVersion: 'v1',
    principal: aPerson({ subject: subjects[index % subjects.length] as never }),
    credential: 'cookie',
    sessionKey: undefined,
    mode: 'enforce',
    decision: { effect: 'allow', reason: 'rule_matched', rule: 'app.yaml#1' },
  } as const
  const identity = { values: new Map() } as never
  log.write(
    { record, identity, assertion: '', groupsCut: 0 },
    { status: 200, notPassed: [], seconds: 0.001 },
  )
}
await log.close()
