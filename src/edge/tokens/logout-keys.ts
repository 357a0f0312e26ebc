import { fail, ok } from '../../core/result.ts'
import { createKeySet, type KeySetOptions } from './key-set.ts'
import { type LogoutKeys } from './logout-token.ts'

/** A key set that tells "there is no such key" from "nobody knows": a logout must not be lost. */
export const createLogoutKeys = (options: KeySetOptions): LogoutKeys => {
  let failures = 0
  let hasFailed = false
  const keys = createKeySet({
    ...options,
    onFailure: (detail) => {
      failures += 1
      options.onFailure(detail)
    },
  })
  return {
    current: keys.current,
    refetched: async () => {
      const before = failures
      const found = await keys.refetched()
      // Within the cool-down nobody asks; what the last answer was still holds.
      if (found !== undefined) hasFailed = failures > before
      return hasFailed ? fail('unreachable') : ok(found)
    },
  }
}
