import { type Fault } from '../core/fault.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { readText, readYamlFile } from '../edge/files/yaml-file.ts'
import { type SourceFile } from '../migrate/translate/source-file.ts'

export type SourceText = { readonly file: string; readonly text: string }

/** The YAML configuration of another product. */
export const readSourceYaml = async (
  path: string,
): Promise<Result<SourceFile, readonly Fault[]>> => {
  const read = await readYamlFile(path, path)
  if (!read.ok) return read
  const { file, value, placeOf } = read.value
  return ok({ file, value, lineOf: (at) => placeOf(at, typeof at.at(-1) === 'string').line })
}

/** A configuration of another product that is no YAML. */
export const readSourceText = async (
  path: string,
): Promise<Result<SourceText, readonly Fault[]>> => {
  const read = await readText(path)
  return read.ok
    ? ok({ file: path, text: read.value })
    : fail([{ file: path, line: undefined, column: undefined, key: '', ...read.failure }])
}
