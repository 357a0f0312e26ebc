import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { runCli } from '../../src/commands/cli.ts'
import { type Environment, type ExitCode } from '../../src/commands/command.ts'
import { writeFiles } from '../support/files.ts'

export type Ran = { readonly code: ExitCode; readonly out: string; readonly err: string }

/** Runs a command in this process; what it writes is caught. */
export const run = async (args: readonly string[], environment: Environment = {}): Promise<Ran> => {
  const caught = { out: '', err: '' }
  const catchInto =
    (name: 'out' | 'err') =>
    (chunk: unknown): boolean => {
      caught[name] += String(chunk)
      return true
    }
  const out = jest.spyOn(process.stdout, 'write').mockImplementation(catchInto('out'))
  const err = jest.spyOn(process.stderr, 'write').mockImplementation(catchInto('err'))
  try {
    const code = await runCli(args, environment)
    return { code, ...caught }
  } finally {
    out.mockRestore()
    err.mockRestore()
  }
}

/** Calls with a folder that holds the files. */
export const inFolder = async <Value>(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<Value>,
): Promise<Value> => {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-policies-'))
  try {
    await writeFiles(folder, files)
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
