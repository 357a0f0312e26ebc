import { type Fault } from '../core/fault.ts'
import { type OpenPolicies, openPolicies } from '../core/policy/open-policies.ts'
import { type Worlds } from '../core/policy/worlds.ts'
import { ok, type Result } from '../core/result.ts'
import { readPolicyFolder } from '../edge/policies/policy-folder.ts'
import { TOOLBOX } from '../edge/policies/toolbox.ts'

/** Reads a folder of policies of which facts can be left open. Faults name the folder too. */
export const openFolder = async (
  folder: string,
  worlds: Worlds,
): Promise<Result<OpenPolicies, readonly Fault[]>> => {
  const read = await readPolicyFolder(folder)
  if (!read.ok) return read
  const documents = read.value.read.map(({ document }) => document)
  return ok(openPolicies(documents, read.value.policies, TOOLBOX, worlds.ask))
}

/** Faults whose files are named from where the command was started, since there are two folders. */
export const inFolder = (folder: string, faults: readonly Fault[]): readonly Fault[] =>
  faults.map((fault) =>
    fault.file.startsWith(folder)
      ? fault
      : { ...fault, file: `${folder.replace(/\/$/, '')}/${fault.file}` },
  )
