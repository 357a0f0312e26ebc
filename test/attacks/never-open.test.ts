import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { verifyRequest } from '../support/verify-request.ts'
import { expectOthersUnharmed, sendPartial, startWorld, type World } from './support-requests.ts'
import { anyBytes, hostileRequest } from './support-requests-arbitraries.ts'
import { readAnswers, runs, settings } from './support-requests-bulk.ts'
import { hostileBytes, mutated } from './support-requests-bytes.ts'
import { expectSoundRecords, type Verdict } from './support-requests-invariants.ts'
import { mayBeOpen } from './support-requests-open.ts'

/*
 * Whatever arrives: what is answered is 200, 401, 403 or 503 (404 for another path), empty, without
 * a cookie, and 200 only where a credential or a public rule says so. An exception or rejection that
 * nobody handles fails the running test. `VESTIBULE_FUZZ_RUNS=100000` does more of the same.
 */

let world: World

beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

/** Connections that are open at a time. */
const WIDE = 40

/** Sends each on a connection of its own; answers that are not sound are thrown. */
const verdictsOf = async (messages: readonly string[]): Promise<readonly (readonly Verdict[])[]> =>
  await Promise.all(
    messages.map(async (bytes) => {
      const answers = readAnswers(await sendPartial(world.vestibule.verifyPort, bytes))
      const verdicts = answers.flatMap((each) => {
        if (typeof each === 'string') throw new Error(each)
        return each === 404 ? [] : [each]
      })
      world.verdicts.push(...verdicts)
      // Node may drop an answer under way when a client hangs up; its decision is logged.
      world.lose()
      return verdicts
    }),
  )

const wide = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> =>
  fc.array(arbitrary, { minLength: WIDE, maxLength: WIDE })
const batches = (examples: number): fc.Parameters<unknown> =>
  settings(Math.ceil(runs(examples) / WIDE))

const opened = (verdicts: readonly (readonly Verdict[])[]): readonly Verdict[] =>
  verdicts.flat().filter(({ status }) => status === 200)

describe('without a credential', () => {
  test('U75 well-formed requests with hostile parts are closed, but for public rules', async () => {
    const property = fc.asyncProperty(wide(hostileRequest), async (requests) => {
      const verdicts = await verdictsOf(requests.map(verifyRequest))
      const wrong = requests.filter(
        (request, index) =>
          verdicts[index]?.some(({ status }) => status === 200) === true && !mayBeOpen(request),
      )
      expect(wrong).toEqual([])
      expect(verdicts.filter((each) => each.length !== 1)).toEqual([])
    })
    await fc.assert(property, batches(800))
  })

  test('U66 any bytes as URL, method, query, cookie or header are closed', async () => {
    const message = fc
      .record({
        url: anyBytes(40),
        method: anyBytes(6),
        query: anyBytes(20),
        cookie: anyBytes(40),
        authorization: anyBytes(40),
        line: anyBytes(40),
        which: fc.constantFrom('url', 'method', 'query', 'cookie', 'authorization', 'line'),
      })
      .map(({ which, ...parts }) =>
        verifyRequest({
          host: 'plain.test',
          url: which === 'url' ? parts.url : 'https://plain.test/x',
          method: which === 'method' ? parts.method : 'GET',
          ...(which === 'query' ? { target: `/verify?host=plain.test${parts.query}` } : {}),
          ...(which === 'cookie' ? { cookie: parts.cookie } : {}),
          ...(which === 'authorization' ? { authorization: parts.authorization } : {}),
          ...(which === 'line' ? { lines: [parts.line] } : {}),
        }),
      )
    const property = fc.asyncProperty(wide(message), async (messages) => {
      expect(opened(await verdictsOf(messages))).toEqual([])
    })
    await fc.assert(property, batches(800))
  })

  test('A1.6 anything at all on the wire is closed', async () => {
    const property = fc.asyncProperty(wide(hostileBytes), async (messages) => {
      expect(opened(await verdictsOf(messages))).toEqual([])
    })
    await fc.assert(property, batches(800))
  })

  test('A1.6 requests with bytes changed, cut out, doubled or cut off are closed', async () => {
    const whole = verifyRequest({ url: 'https://admin.test/x', host: 'admin.test', cookie: 'a=b' })
    const property = fc.asyncProperty(wide(mutated(whole)), async (messages) => {
      expect(opened(await verdictsOf(messages))).toEqual([])
    })
    await fc.assert(property, batches(800))
  })
})

describe('with a good session', () => {
  test('A1.7 changed requests let in nobody but its owner', async () => {
    const { alice } = world.cookies
    const whole = verifyRequest({ url: 'https://plain.test/x', host: 'plain.test', cookie: alice })
    let passed = 0
    const property = fc.asyncProperty(wide(mutated(whole)), async (messages) => {
      const open = opened(await verdictsOf(messages))
      passed += open.length
      expect(open.filter(({ identity }) => identity[0] !== 'alice')).toEqual([])
    })
    await fc.assert(property, batches(800))
    expect(passed).toBeGreaterThan(0)
  })

  test('U75 hostile requests tell of its owner or of nobody', async () => {
    const property = fc.asyncProperty(wide(hostileRequest), async (requests) => {
      const messages = requests.map(({ authorization: _theirs, ...request }) =>
        verifyRequest({ ...request, cookie: world.cookies.alice }),
      )
      const open = opened(await verdictsOf(messages))
      expect(open.filter(({ identity }) => identity[0] !== 'alice')).toEqual([])
    })
    await fc.assert(property, batches(400))
  })
})

test('somebody else is served as ever, and the records are clean', async () => {
  await expectOthersUnharmed(world)
  await expectSoundRecords(world)
})
