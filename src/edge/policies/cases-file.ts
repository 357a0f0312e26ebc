import { type Fault } from '../../core/fault.ts'
import { type EpochSeconds, epochSeconds } from '../../core/ids.ts'
import { parseMoment } from '../../core/policy/criteria/date.ts'
import { secondsOf } from '../../core/policy/duration.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { keyPath, schemaFaults, suggestKey } from '../files/schema-faults.ts'
import { type YamlFile } from '../files/yaml-file.ts'
import { type CaseRequest, requestOf } from './cases-request.ts'
import {
  CASES_SCHEMA,
  type CasesFile,
  type ExpectationFile,
  type SubjectFile,
} from './cases-schema.ts'
import { ANYBODY, type Who, whoIs } from './cases-subject.ts'

/** The caller of a case, and when he signed in. */
export type Caller = Who & {
  readonly sessionAgeSeconds: number | undefined
  /** How long before the case he proved who he is. */
  readonly authAgeSeconds: number | undefined
}

/** One decision that should come out as expected. */
export type DecisionCase = {
  readonly name: string
  readonly file: string
  readonly index: number
  readonly line: number
  readonly column: number
  readonly caller: Caller
  readonly request: CaseRequest
  readonly at: EpochSeconds | undefined
  readonly expected: ExpectationFile
}

/** A file of cases → cases with defaults and people filled in, or every fault in it. */
export const readCasesFile = (
  yaml: YamlFile,
  issuer: string,
): Result<readonly DecisionCase[], readonly Fault[]> => {
  const parsed = CASES_SCHEMA.safeParse(yaml.value)
  if (!parsed.success) return fail(schemaFaults(parsed.error, CASES_SCHEMA, yaml))
  const faults: Fault[] = [...namesTwice(parsed.data, yaml)]
  const reading: Reading = {
    file: parsed.data,
    yaml,
    issuer,
    complain: (path, problem, remedy) => {
      const place = yaml.placeOf(path)
      faults.push({ file: yaml.file, ...place, key: keyPath(path), problem, remedy })
    },
  }
  const cases = parsed.data.cases.flatMap((_each, index) => readCase(reading, index))
  return faults.length > 0 ? fail(faults) : ok(cases)
}

type Reading = {
  readonly file: CasesFile
  readonly yaml: YamlFile
  readonly issuer: string
  readonly complain: (path: readonly (string | number)[], problem: string, remedy: string) => void
}

/** Reports name a case by its name alone. */
const namesTwice = ({ cases }: CasesFile, yaml: YamlFile): readonly Fault[] => {
  const seen = new Set<string>()
  return cases.flatMap(({ name }, index): readonly Fault[] => {
    const path = ['cases', index, 'name']
    const isKnown = seen.has(name)
    seen.add(name)
    if (!isKnown) return []
    const place = yaml.placeOf(path)
    const problem = 'is the name of another case of this file'
    return [{ file: yaml.file, ...place, key: keyPath(path), problem, remedy: 'Say what differs.' }]
  })
}

const readCase = (reading: Reading, index: number): readonly DecisionCase[] => {
  const { file, yaml } = reading
  const written = file.cases[index]
  const subject = readSubject(reading, index)
  const request = readRequest(reading, index)
  if (written === undefined || subject === undefined || request === undefined) return []
  const session = { ...file.defaults.session, ...written.session }
  const at = written.at ?? file.defaults.at
  return [
    {
      name: written.name,
      file: yaml.file,
      index,
      ...yaml.placeOf(['cases', index]),
      caller: {
        ...subject,
        sessionAgeSeconds: session.age === undefined ? undefined : secondsOf(session.age),
        authAgeSeconds: session.authAge === undefined ? undefined : secondsOf(session.authAge),
      },
      request,
      at: at === undefined ? undefined : momentOf(at),
      expected: written.expect,
    },
  ]
}

const momentOf = (text: string): EpochSeconds | undefined => {
  const seconds = parseMoment(text)
  return seconds === undefined ? undefined : epochSeconds(seconds)
}

const readSubject = (reading: Reading, index: number): Who | undefined => {
  const { file, issuer, complain } = reading
  const own = file.cases[index]?.subject
  const written = own ?? file.defaults.subject
  const at = own === undefined ? ['cases', index] : ['cases', index, 'subject']
  if (written === 'anonymous') return ANYBODY
  if (typeof written === 'string' && !Object.hasOwn(file.people, written)) {
    const known = [...Object.keys(file.people), 'anonymous']
    complain(at, `people has no ${written}`, suggestKey(written, known))
    return undefined
  }
  const { sub, ...rest } = subjectOf(file, written ?? {})
  if (sub !== undefined) return whoIs({ ...rest, sub }, issuer)
  complain(
    at,
    written === undefined ? 'has no subject' : 'has no sub',
    'Write subject: anonymous, a name from people, or { sub: … }.',
  )
  return undefined
}

const subjectOf = (
  { defaults, people }: CasesFile,
  written: string | SubjectFile,
): SubjectFile => ({
  ...(typeof defaults.subject === 'string' ? {} : defaults.subject),
  ...(typeof written === 'string' ? { sub: written, ...people[written] } : written),
})

const readRequest = (
  { file: { defaults, cases }, complain }: Reading,
  index: number,
): CaseRequest | undefined => {
  const own = cases[index]?.request
  const request = requestOf(defaults.request ?? {}, own ?? {})
  if (request === undefined) {
    const at = own === undefined ? ['cases', index] : ['cases', index, 'request']
    complain(at, 'names no host', 'Write url, or host and path; defaults.request may hold them.')
  }
  return request
}
