import type { Location, Server } from './locations.ts'
import { block, type Lines } from './nginx-text.ts'

/** The upstream of the error pages, named as the controller names it. */
const upstreamOf = ({ namespace, annotations }: Location): string =>
  `custom-default-backend-${namespace}-${annotations.customErrors?.service ?? ''}`

const errorLocation = (name: string, code: string, address: string): Lines =>
  block(`location @custom_${name}_${code}`, [
    'internal;',
    'proxy_intercept_errors off;',
    `proxy_set_header X-Code ${code};`,
    'proxy_set_header X-Format $http_accept;',
    'proxy_set_header X-Original-URI $request_uri;',
    'proxy_set_header X-Namespace $namespace;',
    'proxy_set_header X-Ingress-Name $ingress_name;',
    'proxy_set_header X-Service-Name $service_name;',
    'proxy_set_header X-Service-Port $service_port;',
    'proxy_set_header X-Request-ID $req_id;',
    'proxy_set_header X-Forwarded-For $remote_addr;',
    'proxy_set_header Host $best_http_host;',
    'rewrite (.*) / break;',
    `proxy_pass http://${address};`,
  ])

/** The named locations that ask a default backend for an error page; each appears once a server. */
export const customErrorLocations = (
  { locations }: Server,
  addressOf: (namespace: string, service: string) => string,
): Lines => {
  const byName = new Map<string, Lines>()
  for (const location of locations) {
    const { customErrors } = location.annotations
    if (customErrors === undefined) continue
    const address = addressOf(location.namespace, customErrors.service)
    for (const code of customErrors.codes) {
      const name = upstreamOf(location)
      byName.set(`${name} ${code}`, errorLocation(name, code, address))
    }
  }
  return [...byName.values()].flat()
}

export const customErrorDirectives = (location: Location): Lines => {
  const { customErrors } = location.annotations
  if (customErrors === undefined) return []
  return [
    'proxy_intercept_errors on;',
    ...customErrors.codes.map(
      (code) => `error_page ${code} = @custom_${upstreamOf(location)}_${code};`,
    ),
  ]
}
