import { parseArgs } from 'node:util'
import { type Fault } from '../core/fault.ts'
import { fail, type Result } from '../core/result.ts'
import { type Config, readConfig } from '../edge/config/config.ts'
import { readText } from '../edge/files/yaml-file.ts'
import { type Environment } from './command.ts'

export type ConfigOptions = { readonly file: string | undefined; readonly json: boolean }

/** `--config FILE` or VESTIBULE_CONFIG, and `--json`. Throws on an unknown option. */
export const parseConfigOptions = (
  args: readonly string[],
  environment: Environment,
): ConfigOptions => {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, json: { type: 'boolean', default: false } },
    strict: true,
  })
  return { file: values.config ?? environment['VESTIBULE_CONFIG'], json: values.json }
}

/** What stands in the file that the options name; undefined where it cannot be read. */
export const readConfigText = async ({ file }: ConfigOptions): Promise<string | undefined> => {
  const read = file === undefined || file === '' ? undefined : await readText(file)
  return read?.ok === true ? read.value : undefined
}

/**
 * Reads the configuration that the options name.
 *
 * @param text what stands in the file, where it was read before
 */
export const readNamedConfig = async (
  { file }: ConfigOptions,
  environment: Environment,
  text?: string,
): Promise<Result<Config, readonly Fault[]>> =>
  file === undefined || file === ''
    ? fail([
        {
          file: 'configuration',
          line: undefined,
          column: undefined,
          key: '',
          problem: 'no file is named',
          remedy: 'Use --config FILE or set VESTIBULE_CONFIG.',
        },
      ])
    : await readConfig(file, environment, text)
