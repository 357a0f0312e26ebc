import { parseOriginalUrl } from '../../core/original-url.ts'
import { type RequestFile, withPath } from './cases-schema.ts'

/** A request as a browser or program would send it. */
export type CaseRequest = {
  /** Complete: scheme, host and raw path. */
  readonly url: string
  readonly method: string
  readonly clientIp: string | undefined
  readonly isPreflight: boolean
  readonly clientCertificate: string | undefined
  readonly namespace: string
  readonly ingress: string
  readonly service: string
}

/** What a case says, over what its file says for all; undefined where neither names a host. */
export const requestOf = (defaults: RequestFile, own: RequestFile): CaseRequest | undefined => {
  const {
    scheme = 'https',
    host,
    path = '/',
    ...rest
  } = { ...unfolded(defaults), ...unfolded(own) }
  if (host === undefined) return undefined
  const { method = 'GET', namespace = '', ingress = '', service = '' } = rest
  return {
    url: `${scheme}://${host}${path}`,
    method,
    clientIp: rest.clientIp,
    isPreflight: rest.preflight === true,
    clientCertificate: rest.clientCertificate,
    namespace,
    ingress,
    service,
  }
}

type Unfolded = Omit<RequestFile, 'url'> & { readonly scheme?: 'http' | 'https' }

/** A URL in its parts, so that a case can replace one of them. */
const unfolded = ({ url, ...rest }: RequestFile): Unfolded => {
  const original = url === undefined ? undefined : parseOriginalUrl(withPath(url))
  if (original === undefined) return rest
  const { scheme, host, target } = original
  return { scheme, host, path: target, ...rest }
}
