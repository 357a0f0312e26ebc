import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Fault } from '../../core/fault.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { readYamlFile, type YamlFile } from '../files/yaml-file.ts'
import { type DecisionCase, readCasesFile } from './cases-file.ts'

/** All cases of a folder, and the files they stand in. */
export type CasesFolder = {
  readonly yamls: readonly YamlFile[]
  readonly cases: readonly DecisionCase[]
}

/**
 * Reads every `*.cases.yaml` of a folder, or answers every fault found.
 *
 * @param issuer vouches for subjects that name no issuer
 */
export const readCasesFolder = async (
  folder: string,
  issuer: string,
): Promise<Result<CasesFolder, readonly Fault[]>> => {
  const names = await casesFiles(folder)
  const files = await Promise.all(names.map((name) => readYamlFile(join(folder, name), name)))
  const faults = files.flatMap((file) => (file.ok ? [] : file.failure))
  const yamls = files.flatMap((file) => (file.ok ? [file.value] : []))
  const cases = yamls.flatMap((yaml): readonly DecisionCase[] => {
    const read = readCasesFile(yaml, issuer)
    if (read.ok) return read.value
    faults.push(...read.failure)
    return []
  })
  return faults.length > 0 ? fail(faults) : ok({ yamls, cases })
}

/** A folder that cannot be read is told by whoever reads its policies. */
const casesFiles = async (folder: string): Promise<readonly string[]> => {
  try {
    const names = await readdir(folder)
    return names.filter((name) => /^[^.].*\.cases\.ya?ml$/.test(name)).toSorted()
  } catch {
    return []
  }
}
