import { fail, ok, type Result } from '../../core/result.ts'
import { anyOf, type Condition } from './draft.ts'
import { parseHostPattern } from './hosts.ts'
import { letterPrefix, methodConditions } from './request-conditions.ts'

export type TraefikTarget = {
  readonly hosts: readonly string[]
  readonly conditions: readonly Condition[]
}

/** A rule of matchers that all hold, such as ``Host(`a.example`) && PathPrefix(`/api`)``. */
export const readTraefikRule = (text: string): Result<TraefikTarget, string> => {
  const parts = text.split('&&').map(readMatcher)
  if (parts.includes(undefined)) {
    return fail(
      'has matchers that cannot be said here, so what it meant stays closed. Write a rule for it',
    )
  }
  const hosts = parts.flatMap((part) => part?.hosts ?? [])
  return hosts.length === 0
    ? fail('names no host. Write its rules into the policies of the hosts that it is meant for')
    : ok({ hosts, conditions: parts.flatMap((part) => part?.conditions ?? []) })
}

const readMatcher = (text: string): TraefikTarget | undefined => {
  const [, name = '', list = ''] = MATCHER.exec(text.trim()) ?? []
  const values = list.match(VALUE)?.map((each) => each.slice(1, -1)) ?? []
  return values.length === 0 ? undefined : MATCHERS.get(name)?.(values)
}

const MATCHER = /^([A-Za-z]+)\(((?:[`'"][^`'"]*[`'"](?:\s*,\s*)?)+)\)$/
const VALUE = /[`'"][^`'"]*[`'"]/g

type Reader = (values: readonly string[]) => TraefikTarget | undefined

const readHosts: Reader = (values) => {
  const hosts = values.flatMap((value) => parseHostPattern(value) ?? [])
  return hosts.length === values.length ? { hosts, conditions: [] } : undefined
}

const requests =
  (conditionsOf: (values: readonly string[]) => readonly Condition[]): Reader =>
  (values) => ({ hosts: [], conditions: conditionsOf(values) })

const MATCHERS: ReadonlyMap<string, Reader> = new Map([
  ['Host', readHosts],
  ['Path', requests((values) => [anyOf(values.map((path) => ({ http_path: { is: path } })))])],
  ['PathPrefix', requests((values) => [anyOf(values.map(letterPrefix))])],
  ['Method', requests(methodConditions)],
])
