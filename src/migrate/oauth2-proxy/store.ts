import { todo } from '../translate/draft.ts'
import { type Settings } from './settings.ts'

/** `session` of the configuration, as far as the flags say something of it. */
export const sessionOf = (settings: Settings): Readonly<Record<string, unknown>> => {
  const absolute = absoluteOf(settings.byFlag.get('cookie-expire')?.values[0])
  const store = storeOf(settings)
  return {
    store,
    // Made up at start for `memory`; replicas that share a store share the keys too.
    ...(store === 'memory' ? {} : { keysFile: '/etc/vestibule/secrets/session-keys' }),
    ...(absolute === undefined ? {} : { absolute }),
  }
}

const storeOf = (settings: Settings): string => {
  const text = (flag: string): string => settings.byFlag.get(flag)?.values[0] ?? ''
  if (text('session-store-type') !== 'redis') return 'memory'
  if (text('redis-use-sentinel') === 'true' || text('redis-use-cluster') === 'true') {
    return todo('one redis:// or rediss:// URL')
  }
  const url = withoutPassword(text('redis-connection-url'))
  return /^rediss?:\/\//.test(url) ? url : todo('one redis:// or rediss:// URL')
}

/** Secrets are handed over in the environment: VESTIBULE_SESSION_STORE. */
const withoutPassword = (url: string): string => url.replace(/^(rediss?:\/\/)[^/@]*@/, '$1')

const MINUTES: ReadonlyMap<string, number> = new Map([
  ['h', 60],
  ['m', 1],
  ['s', 1 / 60],
])

const LONGEST_MINUTES = 90 * 24 * 60

/** `168h0m0s` → `168h`; undefined for what is no duration, or longer than a session may be. */
const absoluteOf = (written: string | undefined): string | undefined => {
  const parts = [...(written ?? '').matchAll(/(\d+)([hms])/g)]
  const minutes = Math.floor(
    parts.reduce(
      (sum, [, amount, unit = '']) => sum + Number(amount) * (MINUTES.get(unit) ?? 0),
      0,
    ),
  )
  if (minutes < 1 || minutes > LONGEST_MINUTES) return undefined
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
}
