import { dirname, isAbsolute, resolve } from 'node:path'
import { type Fault } from '../../core/fault.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Secret, secret } from '../../core/secret.ts'
import { readText } from '../files/yaml-file.ts'

/** A path in the configuration is relative to the file it stands in. */
export const besideConfig = (configFile: string, path: string): string =>
  isAbsolute(path) ? path : resolve(dirname(configFile), path)

/** What people leave in a file that they meant to fill. */
const PLACEHOLDER = /^(?:changeme|change-me|secret|password|todo|xxx+|<.*>)$/i

/** Reads a mounted secret; one trailing newline does not count, since editors add it. */
export const readSecretFile = async (
  path: string,
): Promise<Result<Secret, Pick<Fault, 'problem' | 'remedy'>>> => {
  const read = await readText(path)
  if (!read.ok) {
    const { problem, remedy } = read.failure
    return fail({ problem: `${path} ${problem}`, remedy })
  }
  const text = read.value.replace(/\r?\n$/, '')
  if (text.trim() === '') return fail({ problem: `${path} is empty`, remedy: 'Write the secret.' })
  if (PLACEHOLDER.test(text.trim())) {
    return fail({ problem: `${path} holds a placeholder`, remedy: 'Write the real secret.' })
  }
  return ok(secret(text))
}
