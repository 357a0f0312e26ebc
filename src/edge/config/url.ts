import { z } from 'zod'
import { parseHostName } from '../../core/ids.ts'
import { parseStoreAddress } from '../../core/store-address.ts'

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/

export const isLoopbackUrl = (url: string): boolean => LOOPBACK.test(hostOf(url))

/** zod asks every refinement, so this one may be asked about text that is no URL. */
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : '')

/** Names that resolve on one machine or nowhere: plain http may be used there, for development. */
export const isDevelopmentUrl = (url: string): boolean =>
  isLoopbackUrl(url) || /\.(?:localhost|test)$/.test(hostOf(url))

/** An absolute http or https URL without userinfo and fragment, kept as it was written. */
export const httpUrl = z.string().refine(
  (text) => {
    const match =
      /^https?:\/\/(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?(?:[/?][\x21-\x7e]*)?$/.exec(text)
    const host = match?.[1]
    if (host === undefined || text.includes('#') || !URL.canParse(text)) return false
    return host.startsWith('[') || parseHostName(host) !== undefined
  },
  { error: 'is not an http or https URL. Write it as https://host.example.com' },
)

/** Kept as written: the password in it may hold any character, percent-encoded or not. */
export const storeUrl = z.string().refine((text) => parseStoreAddress(text) !== undefined, {
  error:
    'is no session store. Write memory, redis://host:6379, redis+sentinel://host1,host2/primary or redis+cluster://host1,host2',
})
