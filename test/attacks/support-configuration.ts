import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { faultText } from '../../src/core/fault.ts'
import { type Config, readConfig } from '../../src/edge/config/config.ts'
import { type Environment } from '../../src/edge/config/environment.ts'
import { writeFiles } from '../support/files.ts'

export const GOOD_CONFIG = `publicUrl: https://auth.test
listen: { verify: 127.0.0.1:0, public: 127.0.0.1:0, ops: 127.0.0.1:0 }
cookie: { domain: test }
identityProvider:
  issuer: https://idp.test
  clientId: vestibule
policies: ./policies
decisionLog: { to: stdout }
`

type Case = {
  readonly text: string
  readonly environment?: Environment
  readonly files?: Readonly<Record<string, string>>
}

export type ReadCase = { readonly config: Config | undefined; readonly faults: readonly string[] }

/** Reads a configuration as the service does, from a folder of its own; faults as they are told. */
export const readCase = async ({ text, environment = {}, files = {} }: Case): Promise<ReadCase> => {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-config-'))
  try {
    await writeFiles(folder, { 'vestibule.yaml': text, ...files })
    const startedAt = performance.now()
    const read = await readConfig(join(folder, 'vestibule.yaml'), environment)
    // A bound on hanging, not on speed: machines are slow at times.
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    if (read.ok) return { config: read.value, faults: [] }
    // The folder's name is no part of what is compared.
    const faults = read.failure.map((fault) => faultText(fault).replaceAll(`${folder}/`, ''))
    return { config: undefined, faults }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const FAULT =
  /^(?:vestibule\.yaml(?::\d+:\d+)?|environment variable VESTIBULE_\S*): (?:\S+: )?\S[^\p{Cc}]*\. \S[^\p{Cc}]*$/u

/** Refused: each fault with a place, a problem and a remedy; one of them is this one. */
export const expectRefused = async (given: Case | string, problem: RegExp): Promise<void> => {
  const { faults } = await readCase(typeof given === 'string' ? { text: given } : given)
  expect(faults.join('\n')).toMatch(problem)
  for (const fault of faults) expect(fault).toMatch(FAULT)
  expect(faults.join('\n')).not.toContain('CANARY')
}

export const expectRead = async (given: Case | string): Promise<Config> => {
  const { config, faults } = await readCase(typeof given === 'string' ? { text: given } : given)
  expect(faults).toEqual([])
  if (config === undefined) throw new Error('not read')
  return config
}

/** The good configuration with a line more. */
export const withLine = (line: string): string => `${GOOD_CONFIG}${line}\n`
