import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { FINDING_KINDS } from '../../src/migrate/inventory/registry.ts'
import { createWorkplace, type Ran, type Workplace } from '../commands/policy-reports-support.ts'
import { countElements, htmlFaults } from '../support/html-check.ts'
import { sarifFaults } from '../support/sarif-check.ts'
import { controller, ingress, movedApplication } from './support-cluster.ts'

/**
 * The reports in test/fixtures/cluster-inventory are what the command has to say of
 * test/fixtures/cluster. Where it should say something else, make them anew and read the difference:
 *
 *   VESTIBULE_WRITE_GOLDEN=1 npm test -- test/migrate/inventory-golden.test.ts && git diff
 */
const GOLDEN = join(import.meta.dirname, '../fixtures/cluster-inventory')
const IS_WRITING = process.env['VESTIBULE_WRITE_GOLDEN'] === '1'

/** As in the golden reports, which name the files by it: the tests run in the root of the project. */
const CLUSTER = 'test/fixtures/cluster'

/** It says that there is no controller, and the cluster has three. */
const NEVER_TOGETHER = ['no_controller']

type Report = {
  readonly ok: boolean
  readonly findings: readonly {
    readonly id: string
    readonly severity: string
    readonly places: readonly { readonly file: string; readonly line: number }[]
  }[]
  readonly hosts: readonly { readonly host: string; readonly standing: string }[]
  readonly waves: readonly { readonly hosts: readonly { readonly host: string }[] }[]
  readonly unread: readonly { readonly file: string }[]
}

const reportOf = (text: string): Report => JSON.parse(text) as Report

type SarifLog = {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } }
    readonly results: readonly {
      readonly ruleId: string
      readonly level: string
      readonly locations: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { readonly uri: string }
          readonly region: { readonly startLine: number }
        }
      }[]
    }[]
  }[]
}

const locationIn = (uri: string, startLine: number): object => ({
  physicalLocation: { artifactLocation: { uri }, region: { startLine } },
})

const runOf = (results: readonly object[]): object => {
  const text = { text: 'a' }
  const rule = {
    id: 'a',
    shortDescription: text,
    fullDescription: text,
    help: text,
    defaultConfiguration: { level: 'error' },
  }
  return { tool: { driver: { name: 'a', rules: [rule] } }, results }
}

/** A log of one result, which is valid as it is. */
const logOf = (change: object): object => {
  const result = {
    ruleId: 'a',
    ruleIndex: 0,
    level: 'error',
    kind: 'fail',
    message: { text: 'a' },
    locations: [locationIn('a', 1)],
  }
  return { version: '2.1.0', runs: [runOf([{ ...result, ...change }])] }
}

let place: Workplace

const inventory = async (...words: readonly string[]): Promise<Ran> =>
  await place.run('migrate', 'inventory', ...words)

beforeAll(async () => {
  place = await createWorkplace()
  await place.write({
    'moved.yaml': movedApplication(),
    'open.yaml': ingress({ annotations: {} }) + controller(),
    'odd: names/a b.yaml': ingress({ annotations: {} }),
    'broken.yaml': 'kind: [\n',
    'values.yaml': 'image: { tag: 1 }\n',
  })
})

afterAll(async () => {
  await place.remove()
})

describe('the golden reports of a realistic cluster', () => {
  test.each([
    ['report.json', 'json'],
    ['report.txt', 'text'],
    ['report.sarif', 'sarif'],
    ['report.html', 'html'],
  ])('%s is what the command says', async (name, format) => {
    const ran = await inventory(CLUSTER, '--format', format)
    expect([ran.code, ran.err]).toEqual([1, ''])
    // How the page looks is for the browser to judge.
    const out = ran.out.replace(/<style>[^<]*<\/style>/, '<style></style>')
    const file = join(GOLDEN, name)
    if (IS_WRITING) {
      await mkdir(GOLDEN, { recursive: true })
      await writeFile(file, out)
    }
    expect(out).toBe(await readFile(file, 'utf8'))
  })

  test('show every finding that there is', async () => {
    const { findings } = reportOf(await readFile(join(GOLDEN, 'report.json'), 'utf8'))
    expect([...new Set(findings.map(({ id }) => id)), ...NEVER_TOGETHER].toSorted()).toEqual(
      Object.keys(FINDING_KINDS).toSorted(),
    )
  })

  test('show every standing, and plan every host that has not moved once', async () => {
    const { hosts, waves } = reportOf(await readFile(join(GOLDEN, 'report.json'), 'utf8'))
    expect([...new Set(hosts.map(({ standing }) => standing))].toSorted()).toEqual([
      'addresses',
      'client_certificate',
      'mixed',
      'open',
      'other_gate',
      'password',
      'vestibule',
    ])
    const planned = waves.flatMap((wave) => wave.hosts.map(({ host }) => host))
    expect(new Set(planned).size).toBe(planned.length)
    const moved = new Set(
      hosts.filter(({ standing }) => standing === 'vestibule').map(({ host }) => host),
    )
    expect(planned.filter((host) => moved.has(host))).toEqual([])
  })

  test('name lines that say what the finding is about', async () => {
    const { findings } = reportOf(await readFile(join(GOLDEN, 'report.json'), 'utf8'))
    const expected: Readonly<Record<string, RegExp>> = {
      satisfy_any: /ingress\.kubernetes\.io\/satisfy"?: "?any/,
      ip_allowlist: /(?:white|allow)list-source-range/,
      basic_auth: /ingress\.kubernetes\.io\/auth-type/,
      host_network: /hostNetwork"?: true/,
      auth_keepalive: /auth-keepalive/,
    }
    for (const [id, wanted] of Object.entries(expected)) {
      const found = findings.filter((each) => each.id === id)
      expect(found.length).toBeGreaterThan(0)
      for (const { places } of found) {
        const [{ file, line } = { file: '', line: 0 }] = places
        const text = (await readFile(file, 'utf8')).split('\n')[line - 1]
        expect([id, text]).toEqual([id, expect.stringMatching(wanted)])
      }
    }
  })
})

describe('SARIF', () => {
  test('is valid, knows all rules, and has a result for every finding', async () => {
    const { out, code } = await inventory(CLUSTER, '--format', 'sarif')
    expect(code).toBe(1)
    const log = JSON.parse(out) as SarifLog
    expect(sarifFaults(log)).toEqual([])
    const { tool, results } = log.runs[0] ?? { tool: { driver: { rules: [] } }, results: [] }
    expect(tool.driver.rules.map(({ id }) => id)).toEqual(Object.keys(FINDING_KINDS))
    const { findings } = reportOf(await readFile(join(GOLDEN, 'report.json'), 'utf8'))
    expect(
      results.map(({ ruleId, level, locations: [at] }) => [
        ruleId,
        level,
        at?.physicalLocation.artifactLocation.uri,
        at?.physicalLocation.region.startLine,
      ]),
    ).toEqual(
      findings.map(({ id, severity, places: [first] }) => [
        id,
        { high: 'error', medium: 'warning', low: 'note', info: 'none' }[severity],
        first?.file,
        first?.line,
      ]),
    )
  })

  test('encodes names of files', async () => {
    const { out } = await inventory('@odd: names', '--format', 'sarif')
    expect(sarifFaults(JSON.parse(out))).toEqual([])
    expect(out).toContain('odd%3A%20names/a%20b.yaml"')
  })

  test.each([
    ['another version', { version: '2.0.0', runs: [runOf([])] }, '3.13.2'],
    ['no runs', { version: '2.1.0', runs: [] }, '3.13.4'],
    ['a rule that is not listed', logOf({ ruleId: 'b' }), '3.27.5'],
    ['information with a level', logOf({ kind: 'informational', level: 'note' }), '3.27.10'],
    ['a line 0', logOf({ locations: [locationIn('a', 0)] }), '3.30.5'],
    ['a name with a space', logOf({ locations: [locationIn('a b', 1)] }), '3.4.3'],
  ])('the check finds %s', (_name, log, section) => {
    expect(sarifFaults(log).join('\n')).toContain(section)
    expect(sarifFaults(logOf({}))).toEqual([])
  })
})

describe('the page', () => {
  test('begins with a doctype, is valid, and refers to nothing outside', async () => {
    const { out, code } = await inventory(CLUSTER, '--format', 'html')
    expect(code).toBe(1)
    expect(out).toMatch(/^<!doctype html>\n/)
    expect(htmlFaults(out)).toEqual([])
    expect(countElements(out)).toBeGreaterThan(500)
    const references =
      /\b(?:src|href|srcset|action|data|xlink:href)\s*=|url\(|@import|<script|<link|<base/i
    expect(references.exec(out)).toBeNull()
    expect(out).toContain("default-src 'none'")
  })

  test('says what was left out', async () => {
    const { out, err } = await inventory(
      '@open.yaml',
      '@broken.yaml',
      '--keep-going',
      '--format',
      'html',
    )
    expect(err).toContain('broken.yaml:')
    expect(out).toMatch(/Not all was read: 1 fault\./)
  })
})

describe('exit codes and options', () => {
  test.each([
    [0, 'nothing but information', ['@moved.yaml']],
    [1, 'findings', ['@open.yaml']],
    [1, 'findings in what could be read', ['@open.yaml', '@broken.yaml', '--keep-going']],
    [2, 'a file that is broken', ['@open.yaml', '@broken.yaml']],
    [2, 'a file that is not there', ['@absent.yaml']],
    [2, 'nothing that would be an object', ['@broken.yaml', '--keep-going']],
    [2, 'a file of something else', ['@values.yaml']],
    [2, 'a format that there is not', ['@open.yaml', '--format', 'pdf']],
    [2, 'formats that contradict', ['@open.yaml', '--format', 'html', '--json']],
    [2, 'a place that cannot be written', ['@open.yaml', '--out', '@absent/report']],
    [2, 'an option that there is not', ['@open.yaml', '--nonsense']],
  ])('%i: %s', async (expected, _name, words) => {
    const { code, out, err } = await inventory(...words)
    expect([code, expected === 2 ? out : '']).toEqual([expected, ''])
    expect(expected === 2 ? err : 'x').not.toBe('')
  })

  test.each(['text', 'json', 'sarif', 'html'])(
    '--out writes what %s would print',
    async (format) => {
      const printed = await inventory('@open.yaml', '--format', format)
      const written = await inventory('@open.yaml', '--format', format, '--out', '@report')
      expect([written.code, written.out, written.err]).toEqual([1, '', ''])
      const report = await readFile(join(place.folder, 'report'), 'utf8')
      expect(report.replaceAll(`${place.folder}/`, '')).toBe(printed.out)
    },
  )

  test('JSON says what was not read', async () => {
    const { out } = await inventory('@open.yaml', '@broken.yaml', '--keep-going', '--json')
    const { ok, unread } = reportOf(out)
    expect([ok, unread.map(({ file }) => file)]).toEqual([false, ['broken.yaml']])
  })

  test('faults are JSON where JSON was wanted', async () => {
    const { out, err, code } = await inventory('@broken.yaml', '--json')
    expect([code, err, JSON.parse(out)]).toMatchObject([
      2,
      '',
      { ok: false, faults: [{ file: expect.stringContaining('broken.yaml'), line: 1 }] },
    ])
  })
})
