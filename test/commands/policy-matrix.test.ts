import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Matrix } from '../../src/core/policy/access-matrix.ts'
import { appPolicy, createWorkplace, type Workplace } from './policy-reports-support.ts'

let place: Workplace

const SHOP = `hosts: [shop.test]
owner: shop@example.com
mode: observe
until: 2027-06-30
policy:
  - { id: shop, allow: { and: [{ groups: { has: shop } }] } }
`
const WIKI = `hosts: ["*.wiki.test"]
owner: docs@example.com
policy:
  - { id: all, allow: { and: [{ authenticated_user: true }] } }
  - id: public
    public: true
    owner: docs@example.com
    until: 2099-12-31
    allow: { and: [{ http_path: { starts_with: /public } }] }
`
const APP = appPolicy(`  - { id: sre, allow: { and: [{ groups: { has: sre } }] } }
  - id: shop-reads
    allow: { and: [{ groups: { has: shop } }, { http_method: GET }, { http_path: { starts_with: /d } }] }
  - { id: finance, allow: { and: [{ claim/department: finance }] } }
  - deny: { and: [{ http_path: { starts_with: /admin } }, { not: [{ groups: { has: sre } }] }] }`)
const PEOPLE = 'people:\n  dana: { groups: [shop], claims: { department: finance } }\n  eve: {}\n'

beforeAll(async () => {
  place = await createWorkplace()
  await place.write({
    'policies/app.yaml': APP,
    'policies/shop.yaml': SHOP,
    'policies/wiki.yaml': WIKI,
    'people.yaml': PEOPLE,
  })
})

afterAll(async () => {
  await place.remove()
})

const AT = ['--at', '2026-11-21'] as const

const matrix = async (...words: readonly string[]): Promise<Matrix> => {
  const { out } = await place.run('policy', 'matrix', '@policies', ...AT, '--json', ...words)
  return JSON.parse(out) as Matrix
}

/** The JSON of one policy as the only one, by the name of the column. */
const cellsOf = async (
  policy: string,
  name: string,
): Promise<Matrix['rows'][number]['cells'][number]> => {
  await place.write({ [`${name}/app.yaml`]: policy })
  const { out } = await place.run('policy', 'matrix', `@${name}`, ...AT, '--json')
  const { columns, rows } = JSON.parse(out) as Matrix
  const cell = rows[0]?.cells[columns.findIndex((column) => column.name === name)]
  if (cell === undefined) throw new Error(out)
  return cell
}

describe('policy matrix', () => {
  test('shows hosts by callers as text', async () => {
    const { code, out } = await place.run(
      'policy',
      'matrix',
      '@policies',
      ...AT,
      '--as',
      '@people.yaml',
    )
    expect(code).toBe(0)
    expect(out.replace(/[0-9a-f]{16}/, 'VERSION')).toBe(`Policies VERSION: who can reach what

app.test  enforce, sre@example.com
  anonymous                sign-in
  anybody signed in        partly: claim/department, http_path
  any workload             partly: claim/department, groups, http_method, http_path
  shop                     partly: claim/department, http_method, http_path
  sre                      yes
  dana                     partly: http_path
  eve                      no

shop.test  observe until 2027-07-01T00:00:00Z, shop@example.com
  anonymous                (sign-in)
  anybody signed in        (no)
  any workload             (partly: groups)
  shop                     yes
  sre                      (no)
  dana                     yes
  eve                      (no)

*.wiki.test  enforce, docs@example.com
  anonymous                partly: http_path
  anybody signed in        yes
  any workload             yes
  shop                     yes
  sre                      yes
  dana                     yes
  eve                      yes


Next: vestibule policy explain --as WHO --url URL says why.
`)
  })

  test('gives a request that is let through, and one that is not', async () => {
    const { columns, rows } = await matrix()
    const shop = columns.findIndex(({ name }) => name === 'shop')
    expect(rows[0]?.cells[shop]).toEqual({
      verdict: 'partly',
      isObserved: false,
      dependsOn: ['claim/department', 'http_method', 'http_path'],
      example: {
        allowed: ['http_path /d', 'http_method GET'],
        refused: ['http_path /admin'],
      },
      isComplete: true,
    })
  })

  test.each([
    [
      'two rules that cover all paths between them',
      `
  - { allow: { and: [{ groups: { has: g } }, { http_path: { starts_with: /a } }] } }
  - { allow: { and: [{ groups: { has: g } }, { not: [{ http_path: { starts_with: /a } }] }] } }`,
      'yes',
    ],
    [
      'a path that no request can have twice',
      `
  - { allow: { and: [{ groups: { has: g } }, { http_path: /a }, { http_path: /b }] } }`,
      'no',
    ],
    [
      'a path below the one that is denied',
      `
  - { allow: { and: [{ groups: { has: g } }, { http_path: { starts_with: /a/b } }] } }
  - { deny: { or: [{ http_path: { starts_with: /a } }] } }`,
      'no',
    ],
    [
      'office hours',
      `
  - { allow: { and: [{ groups: { has: g } }, { time_of_day: { after: "9:00", before: "17:00" } }] } }`,
      'partly',
    ],
    [
      'a date that is past',
      `
  - { allow: { and: [{ groups: { has: g } }, { date: { before: 2026-01-01 } }] } }`,
      'no',
    ],
    [
      'a rule that has ended',
      '\n  - { allow: { and: [{ groups: { has: g } }] }, until: 2026-01-01 }',
      'no',
    ],
    [
      'a rule that names somebody else',
      '\n  - { allow: { and: [{ user: ada }] } }\n  - { deny: { or: [{ groups: { has: g } }] } }',
      'no',
    ],
    [
      'a network',
      '\n  - { allow: { and: [{ groups: { has: g } }, { source_ip: 10.0.0.0/8 }] } }',
      'partly',
    ],
    [
      'an expression over the request',
      '\n  - { allow: { and: [{ groups: { has: g } }, { cel: \'request.path == "/"\' }] } }',
      'partly',
    ],
    [
      'an expression over groups',
      '\n  - { allow: { and: [{ groups: { has: g } }, { cel: \'"g" in principal.groups\' }] } }',
      'yes',
    ],
    [
      'a proof that is asked for',
      '\n  - { allow: { and: [{ groups: { has: g } }] } }\nrequire: { acr: [mfa] }',
      'partly',
    ],
  ])('understands %s', async (_name, rules, verdict) => {
    expect(
      await cellsOf(`hosts: [app.test]\nowner: o@x.test\npolicy:${rules}\n`, 'g'),
    ).toMatchObject({ verdict })
  })

  test('writes CSV that a spreadsheet takes for text', async () => {
    await place.write({
      'csv/app.yaml': appPolicy(
        `  - { allow: { and: [{ groups: { in: ['=HYPERLINK("x")', 'a,b'] } }] } }`,
      ),
    })
    const { out } = await place.run('policy', 'matrix', '@csv', '--format', 'csv')
    expect(out).toBe(
      `host,owner,mode,anonymous,anybody signed in,any workload,"'=HYPERLINK(""x"")","a,b"\r\n` +
        'app.test,sre@example.com,enforce,sign-in,no,partly: groups,yes,yes\n',
    )
  })

  test('writes one HTML page without script, that escapes whatever a policy says', async () => {
    const owner = `<img src=x onerror=alert(1)>`
    await place.write({
      'html/app.yaml': `hosts: [app.test]\nowner: "${owner}"\npolicy:
  - { allow: { and: [{ groups: { has: "<script>alert(1)</script>" } }, { http_path: "/<b>" }] } }\n`,
    })
    const { code, out } = await place.run(
      'policy',
      'matrix',
      '@html',
      '--format',
      'html',
      '--out',
      '@m.html',
    )
    expect({ code, out }).toEqual({ code: 0, out: 'Wrote 1 hosts by 4 callers to m.html.\n' })
    const page = await readFile(join(place.folder, 'm.html'), 'utf8')
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page).toContain('http_path /&lt;b&gt;')
    expect(page).not.toMatch(/<script|<img|<b>|<[^>]*\son[a-z]+=|https?:|url\(|@import/i)
    expect(page).toContain('name="viewport"')
    expect(page).toContain('prefers-color-scheme:dark')
    expect(page).toMatch(/thead th\{position:sticky/)
  })

  test.each([
    ['an unknown format', ['@policies', '--format', 'pdf'], '--format is text, csv or html'],
    ['two folders', ['@policies', '@policies'], 'name one folder'],
    ['no moment', ['@policies', '--at', 'noon'], '--at is no moment'],
    ['no folder', ['@none'], 'is not a folder that can be read'],
    ['people that are no file', ['@policies', '--as', '@none.yaml'], 'none.yaml: '],
  ])('could not run with %s', async (_name, words, message) => {
    const { code, err } = await place.run('policy', 'matrix', ...words)
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) })
  })
})
