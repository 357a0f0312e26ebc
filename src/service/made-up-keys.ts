import { secret } from '../core/secret.ts'
import { generateAssertionJwk } from '../edge/assertion/assertion-keys.ts'
import { type Config } from '../edge/config/config.ts'

/**
 * Keys of assertions for all workers, where none are configured: each would make up others, and the
 * assertions of one would not verify with the keys of another.
 */
export const madeUpKeys = async ({ assertion }: Config): Promise<string | undefined> =>
  assertion.keySet === undefined
    ? JSON.stringify({ keys: [await generateAssertionJwk(assertion.algorithm)] })
    : undefined

/** The configuration of a worker, with the keys that the primary made up for all. */
export const withMadeUpKeys = (config: Config, keys: string | undefined): Config =>
  keys === undefined
    ? config
    : { ...config, assertion: { ...config.assertion, keySet: secret(keys) } }
