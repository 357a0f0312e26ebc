import { dirname, isAbsolute, join } from 'node:path'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Secret, secret } from '../../core/secret.ts'
import { readText } from '../files/yaml-file.ts'
import { type CallerFile } from './plan-schema.ts'

export type CallerSecret = { readonly kind: 'cookie' | 'bearer'; readonly secret: Secret }

type Complaint = { readonly problem: string; readonly remedy: string }

type Place = {
  /** The plan; files are named from its folder. */
  readonly path: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

const KEYS = [
  ['cookieEnv', 'cookie'],
  ['cookieFile', 'cookie'],
  ['tokenEnv', 'bearer'],
  ['tokenFile', 'bearer'],
] as const

/** The credential of a caller, from the one place that the plan names. */
export const readCredential = async (
  caller: CallerFile,
  place: Place,
): Promise<Result<CallerSecret, Complaint>> => {
  const [first, second] = KEYS.flatMap(([key, kind]) => {
    const name = caller[key]
    return name === undefined ? [] : [{ key, kind, name }]
  })
  if (first === undefined) {
    return fail({
      problem: 'has no credential',
      remedy: 'Write cookieEnv, cookieFile, tokenEnv or tokenFile.',
    })
  }
  if (second !== undefined) {
    return fail({ problem: `has both ${first.key} and ${second.key}`, remedy: 'Keep one of them.' })
  }
  const { key, kind, name } = first
  const read = key.endsWith('Env') ? fromEnvironment(name, place) : await fromFile(name, place)
  return read.ok ? checked(read.value, name, kind) : read
}

const fromEnvironment = (name: string, { environment }: Place): Result<string, Complaint> => {
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined
  return value === undefined || value === ''
    ? fail({ problem: `the environment has no ${name}`, remedy: 'Set it, or name a file.' })
    : ok(value)
}

export const besidePlan = (plan: string, name: string): string =>
  isAbsolute(name) ? name : join(dirname(plan), name)

const fromFile = async (name: string, { path }: Place): Promise<Result<string, Complaint>> => {
  const read = await readText(besidePlan(path, name))
  return read.ok ? read : fail({ ...read.failure, problem: `${name} ${read.failure.problem}` })
}

/** RFC 6265 section 4.1.1 (cookie-octet); every token68 of RFC 6750 is among them. */
const OCTETS = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/

const checked = (
  text: string,
  name: string,
  kind: CallerSecret['kind'],
): Result<CallerSecret, Complaint> => {
  const value = text.trim()
  return OCTETS.test(value)
    ? ok({ kind, secret: secret(value) })
    : fail({
        problem: `${name} does not hold the value of a ${kind === 'cookie' ? 'cookie' : 'token'}`,
        remedy: 'Put in the bare value, without its name, quotes or blanks.',
      })
}
