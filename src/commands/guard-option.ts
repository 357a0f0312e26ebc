import { resolve } from 'node:path'
import { z } from 'zod'
import { type Fault } from '../core/fault.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { besideConfig } from '../edge/config/secrets.ts'
import { readYamlFile, type YamlFile } from '../edge/files/yaml-file.ts'
import { readPolicyFolder } from '../edge/policies/policy-folder.ts'
import {
  DEFAULT_VERIFY_ORIGIN,
  type GuardSettings,
  STANDARD_HEADERS,
} from '../migrate/ingress/guard.ts'
import { type HostRules } from '../migrate/ingress/host-rules.ts'
import { type Environment } from './command.ts'

/** The options by which a command knows how Ingresses ask Vestibule. */
export const GUARD_OPTIONS = {
  'public-url': { type: 'string' },
  'verify-url': { type: 'string' },
  config: { type: 'string' },
  policies: { type: 'string' },
} as const

export const GUARD_HELP = `  --public-url URL   where people sign in, such as https://auth.example.com
  --verify-url URL   origin of the verify listener in the cluster; by default
                     ${DEFAULT_VERIFY_ORIGIN}
  --config FILE      configuration that has publicUrl, identityHeaders and policies;
                     VESTIBULE_CONFIG names it otherwise
  --policies FOLDER  policies, whose app: says which headers an application reads`

export type GuardValues = {
  readonly 'public-url'?: string | undefined
  readonly 'verify-url'?: string | undefined
  readonly config?: string | undefined
  readonly policies?: string | undefined
}

export type GuardInput = {
  readonly guard: GuardSettings
  readonly cookieDomain: string | undefined
  /** Undefined where no folder is named. */
  readonly policies: readonly HostRules[] | undefined
}

const EXCERPT = z.object({
  publicUrl: z.string().optional(),
  cookie: z.object({ domain: z.string().optional() }).optional(),
  identityHeaders: z.record(z.string(), z.unknown()).optional(),
  policies: z.string().optional(),
})

/** Of the configuration no more is read: its secrets are not at hand where manifests are. */
export const readGuard = async (
  values: GuardValues,
  environment: Environment,
): Promise<Result<GuardInput, readonly Fault[]>> => {
  const file = values.config ?? environment['VESTIBULE_CONFIG'] ?? ''
  const read = await readExcerpt(file)
  if (!read.ok) return read
  const excerpt = read.value
  const guard = guardOf(values, excerpt)
  if (!guard.ok) return fail([guard.failure])
  const folder = values.policies ?? folderOf(file, excerpt.policies)
  const policies = folder === undefined ? ok(undefined) : await readRules(folder)
  if (!policies.ok) return policies
  const cookieDomain = excerpt.cookie?.domain
  return ok({ guard: guard.value, cookieDomain, policies: policies.value })
}

type Excerpt = z.infer<typeof EXCERPT>

const readExcerpt = async (file: string): Promise<Result<Excerpt, readonly Fault[]>> => {
  if (file === '') return ok({})
  const read = await readYamlFile(file, file)
  return read.ok ? ok(EXCERPT.safeParse(read.value.value).data ?? {}) : read
}

const guardOf = (values: GuardValues, excerpt: Excerpt): Result<GuardSettings, Fault> => {
  const publicUrl = origin(values['public-url'] ?? excerpt.publicUrl ?? '')
  if (!/^https?:\/\/[a-z0-9.-]+(?::\d+)?$/i.test(publicUrl)) return fail(publicUrlFault(publicUrl))
  return ok({
    publicUrl,
    verifyOrigin: origin(values['verify-url'] ?? DEFAULT_VERIFY_ORIGIN),
    identityHeaders: headersOf(excerpt.identityHeaders),
  })
}

const origin = (written: string): string => written.replace(/\/+$/, '')

const publicUrlFault = (written: string): Fault => ({
  file: '--public-url',
  line: undefined,
  column: undefined,
  key: '',
  problem: written === '' ? 'is missing' : 'is not the origin of a web site',
  remedy: 'Say --public-url https://auth.example.com, or --config FILE.',
})

const folderOf = (file: string, written: string | undefined): string | undefined =>
  written === undefined ? undefined : besideConfig(resolve(file), written)

const headersOf = (written: Readonly<Record<string, unknown>> | undefined): readonly string[] =>
  written === undefined ? STANDARD_HEADERS : Object.keys(written)

const readRules = async (
  folder: string,
): Promise<Result<readonly HostRules[], readonly Fault[]>> => {
  const read = await readPolicyFolder(folder)
  if (!read.ok) return read
  return ok(
    read.value.read.map(({ yaml, document }) => ({
      hosts: document.hosts.map(({ kind, name }) => (kind === 'exact' ? name : `*.${name}`)),
      app: appOf(yaml),
      mode: document.mode.kind,
      file: `${folder.replace(/\/$/, '')}/${yaml.file}`,
      line: yaml.placeOf(['hosts'], true).line,
      pathsIgnoreCase: document.pathsIgnoreCase,
      redirectIsOverridden: document.redirectIsOverridden,
      passesCookies: !document.passing.stripsCookie,
      proxyBufferSize: bufferSizeOf(yaml),
    })),
  )
}

const appOf = ({ value }: YamlFile): string | undefined =>
  z.object({ app: z.string() }).safeParse(value).data?.app

const bufferSizeOf = ({ value }: YamlFile): string =>
  z.object({ proxyBufferSize: z.string() }).safeParse(value).data?.proxyBufferSize ?? '4k'
