import { type Fault } from '../../core/fault.ts'
import { parseHostName } from '../../core/ids.ts'
import { parseOriginalUrl } from '../../core/original-url.ts'
import { secondsOf } from '../../core/policy/duration.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Secret } from '../../core/secret.ts'
import { type Plan, type PlannedCaller, type PlannedHost } from '../../migrate/verify/plan.ts'
import { keyPath, schemaFaults, suggestKey } from '../files/schema-faults.ts'
import { readText, readYamlFile, type YamlFile } from '../files/yaml-file.ts'
import { besidePlan, readCredential } from './credentials.ts'
import { PLAN_SCHEMA, type PlanFile } from './plan-schema.ts'

/** A plan, and what is needed to carry it out. */
export type ReadyPlan = {
  readonly plan: Plan
  readonly deadlineMs: number
  readonly logWaitMs: number
  readonly ca: string | undefined
  readonly cookieName: string
  /** By the caller's name. */
  readonly secrets: ReadonlyMap<string, Secret>
}

export type Variables = Readonly<Record<string, string | undefined>>

/** Reads a plan and the credentials that it names, or answers every fault of both. */
export const readPlan = async (
  path: string,
  environment: Variables,
): Promise<Result<ReadyPlan, readonly Fault[]>> => {
  const yaml = await readYamlFile(path, path)
  if (!yaml.ok) return yaml
  const literal = literalSecrets(yaml.value)
  if (literal.length > 0) return fail(literal)
  const parsed = PLAN_SCHEMA.safeParse(yaml.value.value)
  if (!parsed.success) return fail(schemaFaults(parsed.error, PLAN_SCHEMA, yaml.value))
  return await completed({ file: parsed.data, yaml: yaml.value, path, environment })
}

export type Reading = {
  readonly file: PlanFile
  readonly yaml: YamlFile
  readonly path: string
  readonly environment: Variables
}

const faultAt = (
  { yaml }: Pick<Reading, 'yaml'>,
  path: readonly (string | number)[],
  problem: string,
  remedy: string,
): Fault => ({ file: yaml.file, ...yaml.placeOf(path), key: keyPath(path), problem, remedy })

/** A secret in the plan would go into git with it; its value is not repeated here. */
const literalSecrets = (yaml: YamlFile): readonly Fault[] => {
  const { value } = yaml
  const callers = isRecord(value) && isRecord(value['callers']) ? value['callers'] : {}
  return Object.entries(callers).flatMap(([name, caller]) =>
    ['cookie', 'token', 'password']
      .filter((key) => isRecord(caller) && Object.hasOwn(caller, key))
      .map((key) =>
        faultAt(
          { yaml },
          ['callers', name, key],
          'is a secret, and none stands in a plan',
          'Use cookieEnv, cookieFile, tokenEnv or tokenFile.',
        ),
      ),
  )
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

const completed = async (reading: Reading): Promise<Result<ReadyPlan, readonly Fault[]>> => {
  const { file } = reading
  const faults = [...unknownCallers(reading), ...hostsTwice(reading), ...withoutSignIn(reading)]
  const secrets = new Map<string, Secret>()
  const callers = new Map<string, PlannedCaller>()
  for (const [name, caller] of Object.entries(file.callers)) {
    const read = await readCredential(caller, reading)
    if (read.ok) {
      const { subject, email, actor } = caller
      secrets.set(name, read.value.secret)
      callers.set(name, { credential: read.value.kind, subject, email, actor })
    } else
      faults.push(faultAt(reading, ['callers', name], read.failure.problem, read.failure.remedy))
  }
  const ca = await readCa(reading)
  if (!ca.ok) faults.push(ca.failure)
  if (faults.length > 0 || !ca.ok) return fail(faults)
  return ok({
    plan: {
      signIn: file.signIn,
      identityHeaders: file.identityHeaders,
      callers,
      hosts: file.hosts.flatMap((_host, index) => hostOf(reading, index)),
    },
    deadlineMs: secondsOf(file.deadline) * 1000,
    logWaitMs: secondsOf(file.logWait) * 1000,
    ca: ca.value,
    cookieName: file.cookieName,
    secrets,
  })
}

const readCa = async (reading: Reading): Promise<Result<string | undefined, Fault>> => {
  const { caFile } = reading.file
  if (caFile === undefined) return ok(undefined)
  const read = await readText(besidePlan(reading.path, caFile))
  return read.ok
    ? read
    : fail(faultAt(reading, ['caFile'], `${caFile} ${read.failure.problem}`, read.failure.remedy))
}

const hostOf = ({ file, yaml }: Reading, index: number): readonly PlannedHost[] => {
  const written = file.hosts[index]
  const host = written === undefined ? undefined : parseOriginalUrl(`${written.origin}/`)?.host
  if (written === undefined || host === undefined) return []
  const { origin, address, mode, anonymous, right, wrong, identity, direct } = written
  const whose = identity?.caller ?? right[0]?.caller
  return [
    {
      host,
      origin,
      address,
      mode,
      anonymous,
      right,
      wrong: wrong.map((visit) => ({ ...visit, reason: visit.reason })),
      identity:
        identity === undefined || whose === undefined ? undefined : { ...identity, caller: whose },
      direct: direct.map((way) => ({ ...way, address: way.address })),
      line: yaml.placeOf(['hosts', index]).line,
    },
  ]
}

const unknownCallers = (reading: Reading): readonly Fault[] => {
  const { file } = reading
  const known = Object.keys(file.callers)
  return file.hosts.flatMap(({ right, wrong, identity }, index) => {
    const named: readonly (readonly [string | undefined, readonly (string | number)[]])[] = [
      ...right.map((visit, place) => [visit.caller, ['right', place, 'caller']] as const),
      ...wrong.map((visit, place) => [visit.caller, ['wrong', place, 'caller']] as const),
      [identity?.caller, ['identity', 'caller']],
    ]
    return named.flatMap(([name, at]) =>
      name === undefined || Object.hasOwn(file.callers, name)
        ? []
        : [
            faultAt(
              reading,
              ['hosts', index, ...at],
              `callers has no ${name}`,
              suggestKey(name, known),
            ),
          ],
    )
  })
}

/** Two entries of one origin would be one table in the report, and one of them is a slip. */
const hostsTwice = (reading: Reading): readonly Fault[] => {
  const seen = new Set<string>()
  return reading.file.hosts.flatMap(({ origin }, index) => {
    const name = parseHostName(origin.replace(/^https?:\/\//i, '').replace(/:\d+$/, '')) ?? origin
    const isKnown = seen.has(name)
    seen.add(name)
    return isKnown
      ? [
          faultAt(
            reading,
            ['hosts', index, 'origin'],
            'is a host of this plan already',
            'Keep one entry for each host.',
          ),
        ]
      : []
  })
}

const withoutSignIn = (reading: Reading): readonly Fault[] => {
  const { signIn, hosts } = reading.file
  const index = hosts.findIndex(
    ({ anonymous, mode }) => anonymous.answer === 'sign_in' && mode === 'enforce',
  )
  return signIn !== undefined || index === -1
    ? []
    : [
        faultAt(
          reading,
          ['hosts', index],
          'sends people to sign in, and the plan does not say where',
          'Add signIn: https://auth.example.com/oauth2/start, or anonymous: { answer: "401" }.',
        ),
      ]
}
