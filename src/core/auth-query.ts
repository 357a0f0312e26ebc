import { type HostName, parseHostName } from './ids.ts'

/** What nginx says that it routed to, in the query of the auth URL. */
export type AuthQuery = {
  readonly host: HostName | undefined
  readonly namespace: string
  readonly ingress: string
  readonly service: string
}

const KUBERNETES_NAME = /^[a-z0-9.-]{0,253}$/
/** An Ingress path may be a regular expression, so nearly everything printable is in it. */
const LOCATION_PATH = /^[\x21-\x7e]{0,1024}$/

/**
 * Reads the raw query without decoding: `$host` holds client text, so a second `host=` in it must
 * stay visible as a duplicate.
 *
 * @returns undefined for an unknown, repeated or malformed parameter.
 */
export const parseAuthQuery = (query: string): AuthQuery | undefined => {
  const seen = new Map<string, string>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, Math.max(equals, 0))
    if (!PARAMETERS.has(name) || seen.has(name)) return undefined
    seen.set(name, pair.slice(equals + 1))
  }
  return complete(seen)
}

const PARAMETERS: ReadonlySet<string> = new Set(['host', 'ns', 'ing', 'svc', 'lp'])

const complete = (seen: ReadonlyMap<string, string>): AuthQuery | undefined => {
  const claimed = seen.get('host')
  const host = claimed === undefined ? undefined : parseHostName(claimed)
  if (claimed !== undefined && host === undefined) return undefined
  const [namespace = '', ingress = '', service = ''] = ['ns', 'ing', 'svc'].map((name) =>
    seen.get(name),
  )
  const locationPath = seen.get('lp') ?? ''
  const wellFormed =
    [namespace, ingress, service].every((name) => KUBERNETES_NAME.test(name)) &&
    LOCATION_PATH.test(locationPath)
  return wellFormed ? { host, namespace, ingress, service } : undefined
}
