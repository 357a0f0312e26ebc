import { type AssertionKeys, parseAssertionKeys } from '../edge/assertion/assertion-keys.ts'
import { readSecretFile } from '../edge/config/secrets.ts'
import { type WatchedFile, watchFile } from '../edge/files/watched-file.ts'
import { holdKeys } from '../edge/sessions/held-keys.ts'
import { type KeyRing, parseKeyRing } from '../edge/sessions/key-ring.ts'
import { monotonicMs, type ServiceInput } from './parts.ts'

export type ServiceKeys = {
  readonly ring: () => KeyRing
  readonly assertionKeys: () => AssertionKeys
  readonly close: () => void
}

/** The keys of the service, taken over anew when their files change; a broken file changes nothing. */
export const watchKeys = ({
  config,
  ring,
  assertionKeys,
  log,
}: Omit<ServiceInput, 'policies'>): ServiceKeys => {
  const held = holdKeys(ring, monotonicMs)
  let assertion = assertionKeys
  const watches: readonly (WatchedFile | undefined)[] = [
    watchKeyFile(config.session.keysFile, async (text, path) => {
      const read = parseKeyRing(text)
      await Promise.resolve()
      if (read.ok) held.replace(read.value)
      else log.error({ path, line: read.failure.line }, 'session keys not taken over')
    }),
    watchKeyFile(config.assertion.keysFile, async (text, path) => {
      const read = await parseAssertionKeys(text, config.assertion.algorithm)
      if (read.ok) assertion = read.value
      else log.error({ path, ...read.failure }, 'assertion keys not taken over')
    }),
  ]
  return {
    ring: held.current,
    assertionKeys: () => assertion,
    close: () => {
      for (const watch of watches) watch?.close()
    },
  }
}

const watchKeyFile = (
  path: string | undefined,
  take: (text: string, path: string) => Promise<void>,
): WatchedFile | undefined =>
  path === undefined
    ? undefined
    : watchFile({
        path,
        onChanged: async () => {
          const read = await readSecretFile(path)
          if (read.ok) await take(read.value.reveal(), path)
        },
      })
