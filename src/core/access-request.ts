import { type HostName } from './ids.ts'

/** What the client asked nginx for, as nginx described it. */
export type AccessRequest = {
  /** The host that nginx routed on; it chooses the policy. */
  readonly host: HostName
  readonly scheme: 'http' | 'https'
  readonly method: string
  /** The path that nginx routed on, one character a byte; see `routedPath`. */
  readonly path: string
  /** Other parties may read another path than nginx did; see `isAmbiguousPath`. */
  readonly pathIsAmbiguous: boolean
  /** Whether X-Auth-Request-Redirect, where sent, repeats the original path and query. */
  readonly pathIsConfirmed: boolean
  /** The peer as nginx saw it; undefined where the header held no IP address. */
  readonly clientIp: string | undefined
  readonly requestId: string | undefined
  /** A CORS preflight by its headers (Fetch section 4.8): OPTIONS, Origin, requested method. */
  readonly isPreflight: boolean
  /** The client certificate as the proxy forwards it; read only where a policy says it does. */
  readonly clientCertificate: string | undefined
  readonly namespace: string
  readonly ingress: string
  readonly service: string
}

/** What is known of a request that may not have been understood. */
export type RequestSketch = {
  readonly [Name in keyof AccessRequest]?: AccessRequest[Name] | undefined
}
