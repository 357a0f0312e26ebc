import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type VerifyRequest } from '../support/verify-request.ts'
import { outcomeOf, startWorld, type World } from './support-requests.ts'
import {
  fragment,
  headerLine,
  host,
  hostileRequest,
  path,
  query,
  spelled,
  tamePath,
} from './support-requests-arbitraries.ts'
import { askMany, runs, settings } from './support-requests-bulk.ts'
import { expectSoundRecords, type Verdict } from './support-requests-invariants.ts'
import { mayBeOpen } from './support-requests-open.ts'
import { POLICIES } from './support-requests-policies.ts'

/** The service with all hosts, and one that knows app.test alone. */
let world: World
let alone: World

beforeAll(async () => {
  world = await startWorld()
  alone = await startWorld({ policies: { 'app.yaml': POLICIES['app.yaml'] ?? '' } })
})
afterAll(async () => {
  await world.stop()
  await alone.stop()
})

/** So many examples at a time share a connection. */
const MANY = 40
const many = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> =>
  fc.array(arbitrary, { minLength: MANY, maxLength: MANY })
const batches = (examples: number): fc.Parameters<unknown> =>
  settings(Math.ceil(runs(examples) / MANY))

const asAlice = (request: VerifyRequest): VerifyRequest => ({
  ...request,
  cookie: world.cookies.alice,
})
const ofApp = (target: string): VerifyRequest => ({ url: `https://app.test${target}` })

/** Asks pairs, and hands over those in which the second is not answered as `agree` wants it. */
const disagreements = async (
  pairs: readonly (readonly [VerifyRequest, VerifyRequest])[],
  agree: (first: Verdict, second: Verdict) => boolean,
): Promise<readonly unknown[]> => {
  const verdicts = await askMany(world, pairs.flat())
  return pairs.flatMap((pair, index) => {
    const [first, second] = verdicts.slice(2 * index, 2 * index + 2) as [Verdict, Verdict]
    return agree(first, second) ? [] : [{ pair, outcomes: [outcomeOf(first), outcomeOf(second)] }]
  })
}

const isSame = (first: Verdict, second: Verdict): boolean =>
  outcomeOf(first) === outcomeOf(second) && first.identity[0] === second.identity[0]
const isSameOrRefused = (first: Verdict, second: Verdict): boolean =>
  second.status === 403 || isSame(first, second)
/** The second may be less than the first, and never tells of somebody else. */
const isNotWider = (first: Verdict, second: Verdict): boolean =>
  second.status !== 200 ||
  (first.status === 200 && ['', first.identity[0]].includes(second.identity[0]))

const encoded = (target: string): string =>
  target.replace(
    /[A-Za-z0-9._~-]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )

describe('random requests', () => {
  test('U66, U75 without a credential are let in by a literal public rule, or not at all', async () => {
    let open = 0
    const property = fc.asyncProperty(many(hostileRequest), async (requests) => {
      const verdicts = await askMany(world, requests)
      const wrong = requests.filter(
        (request, index) =>
          verdicts[index]?.status === 200 &&
          (!mayBeOpen(request) || verdicts[index].identity.join('') !== ''),
      )
      open += verdicts.filter(({ status }) => status === 200).length
      expect(wrong).toEqual([])
    })
    await fc.assert(property, batches(10_000))
    expect(open).toBeGreaterThan(0)
  })

  test('U67 that spell the same path with escapes get the same, or 403', async () => {
    const property = fc.asyncProperty(many(tamePath), async (targets) => {
      const pairs = targets.map(
        (target) => [asAlice(ofApp(target)), asAlice(ofApp(encoded(target)))] as const,
      )
      expect(await disagreements(pairs, isSameOrRefused)).toEqual([])
    })
    await fc.assert(property, batches(800))
  })

  test.each([
    ['U68', 'a query', query],
    ['U69', 'a fragment', fragment],
  ])('%s are not widened by %s', async (_row, _what, suffix) => {
    const property = fc.asyncProperty(many(fc.tuple(path, suffix)), async (examples) => {
      const requests = examples.map(
        ([target, more]) => [ofApp(target), ofApp(target + more)] as const,
      )
      expect(await disagreements(requests, isSameOrRefused)).toEqual([])
      const known = requests.map(([first, second]) => [asAlice(first), asAlice(second)] as const)
      expect(await disagreements(known, isSameOrRefused)).toEqual([])
    })
    await fc.assert(property, batches(600))
  })

  test('U70 are not widened by one more header', async () => {
    const property = fc.asyncProperty(many(fc.tuple(path, host, headerLine)), async (examples) => {
      const pairs = examples.map(([target, name, line]) => {
        const request = { url: `https://${name}${target}`, host: name }
        return [request, { ...request, lines: [line] }] as const
      })
      expect(await disagreements(pairs, isNotWider)).toEqual([])
      const known = pairs.map(([first, second]) => [asAlice(first), asAlice(second)] as const)
      expect(await disagreements(known, isNotWider)).toEqual([])
    })
    await fc.assert(property, batches(800))
  })

  test('U71 are not widened by any header sent twice', async () => {
    const own = (target: string): readonly string[] => [
      `X-Original-URL: https://app.test${target}`,
      'X-Original-Method: GET',
      `X-Auth-Request-Redirect: ${target}`,
      'X-Real-IP: 203.0.113.7',
      `Cookie: ${world.cookies.alice}`,
      'X-Request-ID: a',
      'User-Agent: x',
    ]
    const all = ['x-original-url', 'x-original-method', 'x-auth-request-redirect', 'x-real-ip']
    const example = fc.tuple(path, fc.nat({ max: 6 }), fc.nat({ max: 7 }))
    const property = fc.asyncProperty(many(example), async (examples) => {
      const pairs = examples.map(([target, which, where]) => {
        const lines = own(target)
        const twice = lines.toSpliced(where, 0, lines[which] ?? '')
        return [
          { lines, without: all },
          { lines: twice, without: all },
        ] as const
      })
      expect(await disagreements(pairs, isNotWider)).toEqual([])
    })
    await fc.assert(property, batches(600))
  })

  test('U72 are answered alike, however the host is spelled', async () => {
    const example = fc.tuple(path, host).chain(([target, name]) =>
      fc.record({
        target: fc.constant(target),
        name: fc.constant(name),
        routed: spelled(name),
        claimed: spelled(name),
      }),
    )
    const property = fc.asyncProperty(many(example), async (examples) => {
      const pairs = examples.map(
        ({ target, name, routed, claimed }) =>
          [
            asAlice({ url: `https://${name}${target}`, host: name }),
            asAlice({ url: `https://${claimed}${target}`, host: routed }),
          ] as const,
      )
      expect(await disagreements(pairs, isSame)).toEqual([])
    })
    await fc.assert(property, batches(800))
  })

  test('U73 are answered alike, whatever other hosts there are', async () => {
    const property = fc.asyncProperty(many(hostileRequest), async (examples) => {
      const requests = examples.map((request) => ({
        ...request,
        host: 'app.test',
        url: (request.url ?? '').replace(/(?<=:\/\/)[a-z.]+\.test/i, 'app.test'),
      }))
      const here = await askMany(world, requests)
      const there = await askMany(alone, requests)
      expect(there.map(outcomeOf)).toEqual(here.map(outcomeOf))
    })
    await fc.assert(property, batches(1200))
  })

  test('U74 are answered alike, in whatever order', async () => {
    const property = fc.asyncProperty(
      fc.shuffledSubarray(
        ['/status', '/admin', '/x', '/assets/a', '/a%2fb', '/foo/x/bar', '//', '/%zz'],
        { minLength: 8 },
      ),
      async (targets) => {
        const requests = targets.flatMap((target) => [ofApp(target), asAlice(ofApp(target))])
        const outcomes = (await askMany(world, requests)).map(outcomeOf)
        const inOrder = targets.map((target, index) => [
          target,
          outcomes.slice(2 * index, 2 * index + 2),
        ])
        expect(Object.fromEntries(inOrder)).toEqual({
          '/status': ['200 public_rule', '200 public_rule'],
          '/admin': ['401 not_signed_in', '403 denied_by_rule'],
          '/x': ['401 not_signed_in', '200 rule_matched'],
          '/assets/a': ['200 public_rule', '200 public_rule'],
          '/a%2fb': ['403 path_ambiguous', '403 path_ambiguous'],
          '/foo/x/bar': ['200 public_rule', '200 public_rule'],
          '//': ['401 not_signed_in', '200 rule_matched'],
          '/%zz': ['403 malformed_request', '403 malformed_request'],
        })
      },
    )
    await fc.assert(property, settings(Math.ceil(runs(2400) / 16)))
  })
})

test('every answer left one clean line and only known labels', async () => {
  await expectSoundRecords(world)
  await expectSoundRecords(alone)
})
