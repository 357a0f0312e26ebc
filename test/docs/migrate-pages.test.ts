import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { readPlan } from '../../src/edge/probe/plan-file.ts'
import { type Block, readBlocks } from './walkthrough/document.ts'
import { writtenByCluster } from './walkthrough/logs.ts'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')
const DAY_MS = 86_400_000
const now = new Date()
const laterDay = new Date(now.getTime() + 60 * DAY_MS).toISOString().slice(0, 10)

const PAGES = [
  'migrate-inventory.md',
  'migrate-translate.md',
  'migrate-ingress.md',
  'migrate-networkpolicy.md',
  'migrate-drift.md',
  'migrate-verify.md',
  'migrate-report.md',
] as const

const CLUSTER = readFileSync(join(import.meta.dirname, 'walkthrough/cluster.yaml'), 'utf8')

const POLICY = `hosts: [grafana.emden.brackwater.example]
owner: sre@brackwater.example
mode: observe
until: ${laterDay}
policy:
  - allow: { and: [ { groups: { has: sre } } ] }
`

const AUTHELIA = `access_control:
  default_policy: deny
  rules:
    - { domain: status.example.com, policy: two_factor, subject: "group:sre" }
`

/** What whoever reads the page has at hand. */
const FILES: Readonly<Record<string, string>> = {
  'cluster.yaml': CLUSTER,
  '.cluster.yaml': CLUSTER,
  '.cluster.json': JSON.stringify(parse(CLUSTER)),
  '.decisions.ndjson': writtenByCluster(now).get('observed.ndjson') ?? '',
  'configuration.yml': AUTHELIA,
  'vestibule.yaml': 'publicUrl: https://auth.brackwater.example\npolicies: ./guarded\n',
  'guarded/grafana.yaml': POLICY,
}

/** It knows what the pages ask of a cluster, and takes what they would give it. */
const KUBECTL = `#!/bin/sh
case "$*" in
  *logs*) cat "$PLACE/.decisions.ndjson" ;;
  *get*json*) cat "$PLACE/.cluster.json" ;;
  *get*) cat "$PLACE/.cluster.yaml" ;;
  *apply*) grep -q . ;;
  *) exit 64 ;;
esac
`

const NPX = `#!/bin/sh\nshift\nexec '${process.execPath}' '${MAIN}' "$@"\n`

/** Each command, with the exit code that the page says. */
const scriptOf = (block: string): string =>
  block
    .replaceAll(/(?:\\|\|)\n/g, (end) => (end.startsWith('|') ? '| ' : ''))
    .split('\n')
    .filter((command) => command.trim() !== '')
    .map((command) => {
      const expected = /# exit code (\d)/.exec(command)?.[1] ?? '0'
      return `code=0\n${command.replace(/\s+#.*$/, '')} || code=$?\ntest $code = ${expected} || exit $((90 + code))`
    })
    .join('\n')

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vestibule-pages-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const prepare = (page: string): string => {
  const place = join(folder, page)
  // Drafts are written beside no others.
  const policies = page === 'migrate-translate.md' ? {} : { 'policies/grafana.yaml': POLICY }
  for (const [name, content] of Object.entries({ ...FILES, ...policies })) {
    mkdirSync(dirname(join(place, name)), { recursive: true })
    writeFileSync(join(place, name), content)
  }
  mkdirSync(join(place, '.bin'))
  writeFileSync(join(place, '.bin/kubectl'), KUBECTL, { mode: 0o755 })
  writeFileSync(join(place, '.bin/npx'), NPX, { mode: 0o755 })
  return place
}

type Run = Extract<Block, { readonly kind: 'run' }>

type Ran = { readonly code: number; readonly missing: readonly string[]; readonly said: string }

const run = async (place: string, block: Run): Promise<Ran> => {
  const child = spawn('bash', ['-o', 'pipefail', '-c', scriptOf(block.text)], {
    cwd: place,
    env: {
      ...process.env,
      PLACE: place,
      PATH: `${join(place, '.bin')}:${process.env['PATH'] ?? ''}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [[code], out, err] = await Promise.all([
    once(child, 'close') as Promise<[number]>,
    text(child.stdout),
    text(child.stderr),
  ])
  const said = `${out}${err}`
  return { code, missing: block.prints.filter((line) => !said.includes(line)), said }
}

describe.each(PAGES)('%s', (page) => {
  const blocks = readBlocks(laterDay, page)
  let place: string

  beforeAll(() => {
    place = prepare(page)
  })

  test('has commands, or a plan', () => {
    expect(blocks.length).toBeGreaterThan(0)
  })

  test.each(blocks.map((block) => [block.line, block.text.split('\n')[0] ?? '', block] as const))(
    'line %i: %s',
    async (_line, _first, block) => {
      if (block.kind === 'file') writeFileSync(join(place, block.file), block.text)
      if (block.kind === 'run') {
        const ran = await run(place, block)
        expect(ran).toEqual({ ...ran, code: 0, missing: [] })
      }
      // The walk-through runs this one, against real hosts.
      if (block.kind === 'cluster') expect(block.text).toContain('npx vestibule migrate verify')
    },
  )
})

test('the plan of the page is one', async () => {
  const plan = join(folder, 'migrate-verify.md/plan.yaml')
  const read = await readPlan(plan, { ALICE_COOKIE: 'a', CAROL_COOKIE: 'c' })
  expect(read.ok ? [] : read.failure).toEqual([])
})
