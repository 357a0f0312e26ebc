import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { runCli } from '../../src/commands/cli.ts'
import { writeFiles } from '../support/files.ts'

export type Ran = { readonly code: number; readonly out: string; readonly err: string }

export type Workplace = {
  readonly folder: string
  readonly write: (files: Readonly<Record<string, string>>) => Promise<void>
  /** Runs a command; words that begin with `@` are paths in the folder. */
  readonly run: (...words: readonly string[]) => Promise<Ran>
  readonly remove: () => Promise<void>
}

/** A folder of its own, and the CLI in this process with what it prints. */
export const createWorkplace = async (): Promise<Workplace> => {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-reports-'))
  return {
    folder,
    write: async (files) => await writeFiles(folder, files),
    run: async (...words) => {
      const out: string[] = []
      const err: string[] = []
      const capture = (into: string[]) => (text: unknown) => into.push(String(text)) > 0
      const stdout = jest.spyOn(process.stdout, 'write').mockImplementation(capture(out))
      const stderr = jest.spyOn(process.stderr, 'write').mockImplementation(capture(err))
      const args = words.map((word) => (word.startsWith('@') ? join(folder, word.slice(1)) : word))
      try {
        const code = await runCli(args, {})
        const text = out.join('').replaceAll(`${folder}/`, '')
        return { code, out: text, err: err.join('').replaceAll(`${folder}/`, '') }
      } finally {
        stdout.mockRestore()
        stderr.mockRestore()
      }
    },
    remove: async () => await rm(folder, { recursive: true, force: true }),
  }
}

/** A decision line as the service writes it, of somebody in `sre` whom the rule `sre` admitted. */
export const aLine = (changes: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    time: '2026-11-21T10:00:00.000Z',
    decision: '3c0b0000-0000-4000-8000-000000000000',
    requestId: '2f1c0d',
    effect: 'allow',
    reason: 'rule_matched',
    status: 200,
    mode: 'enforce',
    host: 'app.test',
    method: 'GET',
    path: '/',
    ns: 'apps',
    ingress: 'app',
    service: 'app',
    principal: person('alice', ['sre']),
    session: 'Zx81aaaaaaaa',
    credential: 'cookie',
    rule: 'app.yaml#sre',
    policyVersion: '8254af97263f6ee3',
    clientIp: '203.0.113.7',
    latencyMs: 0.21,
    ...changes,
  })

export const person = (
  subject: string,
  groups: readonly string[] | null,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> => ({
  actor: 'human',
  subject,
  issuer: 'https://idp.test',
  email: `${subject}@example.com`,
  groups,
  ...more,
})

export const REFUSED = {
  effect: 'deny',
  reason: 'no_rule_matched',
  status: 403,
  rule: undefined,
} as const

/** Policies of app.test with the rules given as YAML flow lists. */
export const appPolicy = (rules: string, more = ''): string =>
  `hosts: [app.test]\nowner: sre@example.com\n${more}policy:\n${rules}\n`

export const SRE = '  - { id: sre, allow: { and: [{ groups: { has: sre } }] } }'
export const PLATFORM = '  - { id: platform, allow: { and: [{ groups: { has: platform } }] } }'
