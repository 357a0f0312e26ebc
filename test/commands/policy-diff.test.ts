import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  appPolicy,
  createWorkplace,
  PLATFORM,
  SRE,
  type Workplace,
} from './policy-reports-support.ts'

let place: Workplace

beforeAll(async () => {
  place = await createWorkplace()
})

afterAll(async () => {
  await place.remove()
})

type Diff = {
  readonly ok: boolean
  readonly losses: number
  readonly gains: number
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly access: readonly {
    readonly host: string
    readonly column: { readonly name: string }
    readonly gains?: readonly string[]
    readonly losses?: readonly string[]
  }[]
}

let folders = 0

/** Compares two sets of policy files, each in a folder of its own. */
const diff = async (
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  ...words: readonly string[]
): Promise<Diff & { readonly code: number }> => {
  const { code, out } = await run(before, after, ...words, '--json')
  return { ...(JSON.parse(out) as Diff), code }
}

const run = async (
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  ...words: readonly string[]
): ReturnType<Workplace['run']> => {
  folders += 1
  const named = (side: string, files: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(files).map(([name, text]) => [`${side}${folders}/${name}`, text]),
    )
  await place.write({ ...named('old', before), ...named('new', after) })
  return await place.run(
    'policy',
    'diff',
    `@old${folders}`,
    `@new${folders}`,
    '--at',
    '2026-11-21',
    ...words,
  )
}

const app = (rules: string, more = ''): Record<string, string> => ({
  'app.yaml': appPolicy(rules, more),
})

const changes = ({ access }: Diff): readonly unknown[] =>
  access.map(({ column, gains, losses }) => [column.name, gains, losses])

describe('policy diff', () => {
  test('is silent where only the text changed', async () => {
    const rewritten = `  # the same\n  - { id: renamed, allow: { or: [{ groups: { in: [sre] } }] } }`
    expect(await diff(app(SRE), app(rewritten))).toMatchObject({ code: 0, ok: true, access: [] })
  })

  test('says who gains and who loses, and fails on either unless it is allowed', async () => {
    const found = await diff(app(SRE), app(PLATFORM))
    expect(found).toMatchObject({ code: 1, ok: false, losses: 2, gains: 2 })
    expect(changes(found).slice(1)).toEqual([
      ['platform', [], undefined],
      ['sre', undefined, []],
    ])
    expect((await diff(app(SRE), app(PLATFORM), '--allow-loss')).code).toBe(1)
    expect((await diff(app(SRE), app(PLATFORM), '--allow-gain')).code).toBe(1)
    expect((await diff(app(SRE), app(PLATFORM), '--allow-gain', '--allow-loss')).code).toBe(0)
    expect((await diff(app(SRE), app(`${SRE}\n${PLATFORM}`), '--allow-gain')).code).toBe(0)
  })

  test('compares what is partly allowed request by request', async () => {
    const below = (path: string): Record<string, string> =>
      app(
        `  - { allow: { and: [{ groups: { has: sre } }, { http_path: { starts_with: ${path} } }] } }`,
      )
    const narrower = await diff(below('/api'), below('/api/v2'))
    expect(changes(narrower).at(-1)).toEqual(['sre', undefined, ['http_path /api']])
    const wider = await diff(below('/api/v2'), below('/api'))
    expect(changes(wider).at(-1)).toEqual(['sre', ['http_path /api'], undefined])
    const moved = await diff(below('/a'), below('/b'))
    expect(changes(moved).at(-1)).toEqual(['sre', ['http_path /b'], ['http_path /a']])
  })

  test('knows hosts that were added, removed, or are covered by a wildcard', async () => {
    const wild = { 'app.yaml': appPolicy(SRE).replace('app.test', '"*.app.test"') }
    const exact = { 'one.yaml': appPolicy(SRE).replace('app.test', 'one.app.test') }
    const added = await diff(wild, { ...wild, ...exact })
    expect(added).toMatchObject({ code: 0, added: ['one.app.test'], access: [] })
    const removed = await diff({ ...wild, ...exact }, exact)
    expect(removed).toMatchObject({ code: 1, removed: ['*.app.test'] })
    expect(removed.access.map(({ host }) => host)).toEqual(['*.app.test', '*.app.test'])
  })

  test('takes a change of mode for a gain or a loss of everybody', async () => {
    const observed = app(SRE, 'mode: observe\nuntil: 2027-01-31\n')
    expect(await diff(app(SRE), observed)).toMatchObject({ code: 1, gains: 1, losses: 0 })
    expect(await diff(observed, app(SRE))).toMatchObject({ code: 1, gains: 0, losses: 1 })
    expect((await diff(observed, app(SRE), '--allow-loss')).code).toBe(0)
    const over = app(SRE, 'mode: observe\nuntil: 2026-01-31\n')
    expect((await diff(over, app(SRE))).code).toBe(0)
  })

  test('compares people of a file', async () => {
    await place.write({ 'people.yaml': 'people:\n  dana: { email: dana@example.com }\n' })
    const dana = `${SRE}\n  - { allow: { and: [{ email: dana@example.com }] } }`
    const found = await diff(app(SRE), app(dana), '--as', '@people.yaml')
    expect(changes(found).at(-1)).toEqual(['dana', [], undefined])
  })

  test('shows all of it as text', async () => {
    const observed = appPolicy(PLATFORM, 'mode: observe\nuntil: 2027-01-31\n')
    const { code, out } = await run(app(SRE), {
      'app.yaml': observed.replace('sre@', 'ops@'),
      'new.yaml': appPolicy(SRE).replace('app.test', 'new.test'),
    })
    expect(code).toBe(1)
    expect(out.replaceAll(/[0-9a-f]{16}/g, 'VERSION')).toBe(`Policies VERSION → VERSION

Hosts added:
  new.test

Modes:
  app.test: enforce → observe until 2027-02-01T00:00:00Z (lets everybody through who is only observed)

Owners:
  app.test: sre@example.com → ops@example.com

app.test:
  ± any workload         partly: groups → (partly: groups)
      loses, for one, where groups sre
      gains, for one, where groups platform
  + platform             no → yes
  - sre                  yes → (no)

new.test:
  + any workload         no policy → partly: groups
      gains, for one, where groups sre
  + sre                  no policy → yes

If this is meant, say --allow-loss --allow-gain. Next: vestibule policy replay shows who it meets.
`)
  })

  test('could not run without two folders, or with a faulty one', async () => {
    const { code, err } = await place.run('policy', 'diff', '@old1')
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('name two folders') })
    const faulty = await run(app(SRE), { 'app.yaml': 'hosts: [app.test]\n' })
    expect(faulty).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^new\d+\/app\.yaml:1:1: policy/),
    })
  })
})
