import { resolve } from 'node:path'
import { z } from 'zod'
import { type Fault } from '../core/fault.ts'
import { ok, type Result } from '../core/result.ts'
import { besideConfig } from '../edge/config/secrets.ts'
import { readYamlFile } from '../edge/files/yaml-file.ts'
import { type Environment } from './command.ts'

export type PolicyPlace = {
  readonly folder: string
  /** Vouches for subjects that name no issuer. */
  readonly issuer: string
}

export const DEFAULT_ISSUER = 'https://idp.example.com'

/**
 * The folder on the command line, else the one that the configuration names, else `./policies`. Of
 * the configuration no more is read: where policies are tested, its secrets are not at hand.
 */
export const findPolicyFolder = async (
  options: { readonly folder: string | undefined; readonly config: string | undefined },
  environment: Environment,
): Promise<Result<PolicyPlace, readonly Fault[]>> => {
  const file = options.config ?? environment['VESTIBULE_CONFIG'] ?? ''
  const read = file === '' ? ok(NOTHING) : await readExcerpt(file)
  if (!read.ok) return read
  const named = environment['VESTIBULE_POLICIES'] ?? read.value.policies ?? './policies'
  return ok({
    folder: options.folder ?? (file === '' ? named : besideConfig(resolve(file), named)),
    issuer: issuerOf(read.value),
  })
}

const issuerOf = ({ identityProvider }: Excerpt): string =>
  identityProvider?.issuer ?? DEFAULT_ISSUER

const CONFIG_EXCERPT = z.object({
  policies: z.string().optional(),
  identityProvider: z.object({ issuer: z.string().optional() }).optional(),
})

type Excerpt = z.infer<typeof CONFIG_EXCERPT>

const NOTHING: Excerpt = {}

const readExcerpt = async (file: string): Promise<Result<Excerpt, readonly Fault[]>> => {
  const yaml = await readYamlFile(file, file)
  return yaml.ok ? ok(CONFIG_EXCERPT.safeParse(yaml.value.value).data ?? NOTHING) : yaml
}
